"""The version of a rule: it changes when a field changes that affects the result of the rule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from typing import Any, cast

from tag_compliance.domain.history.reading import TrackedRule
from tag_compliance.domain.rules.base import Rule
from tag_compliance.domain.rules.tag_rule import TagRule

WITHOUT_EFFECT = frozenset({"title", "description", "owner", "severity", "example"})
"""The fields of a rule that do not affect which resources violate it."""


def tracked_rules(rules: Iterable[Rule], units: tuple[str, ...] = ()) -> dict[str, TrackedRule]:
    """By id, in the order of the policy; `units` contain the account."""
    return {
        str(rule.rule_id): TrackedRule(rule.severity, rule_version(rule, units)) for rule in rules
    }


def rule_version(rule: Rule, units: tuple[str, ...] = ()) -> str:
    """The same for rules that differ in fields without effect only.

    An account that moves to another organizational unit changes the rules whose scope names units.

    A field with its default value has no effect on it, so that a field that a later version of the
    program adds changes no rule.
    """
    parts = [type(rule).__name__]
    for field in fields(cast("Any", rule)):
        value = getattr(rule, field.name)
        if field.name not in WITHOUT_EFFECT and value != _default(field):
            parts.append(f"{field.name}={value!r}")
    if isinstance(rule, TagRule) and rule.scope.depends_on_units:
        parts.append(f"units={units!r}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _default(field: Field[Any]) -> object:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default
