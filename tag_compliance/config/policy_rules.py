"""From the model of the policy files to the rules and waivers of the domain."""

from __future__ import annotations

from collections.abc import Iterator

from tag_compliance.config.policy_model import (
    KeyCaseSetting,
    LoadedPolicy,
    PolicyRule,
    PolicySelection,
    PolicyWaiver,
    RuleSelection,
)
from tag_compliance.domain.globs import Globs
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.rules.any_tag import AnyTag
from tag_compliance.domain.rules.base import RuleId
from tag_compliance.domain.rules.checks.forbidden import Forbidden
from tag_compliance.domain.rules.checks.key_spelling import KeySpelling
from tag_compliance.domain.rules.checks.length import Length
from tag_compliance.domain.rules.checks.not_empty import NotEmpty
from tag_compliance.domain.rules.checks.not_values import ForbiddenValues
from tag_compliance.domain.rules.checks.pattern import Pattern
from tag_compliance.domain.rules.checks.required import Required
from tag_compliance.domain.rules.checks.values import AllowedValues
from tag_compliance.domain.rules.tag_column import KeyCase, TagKey
from tag_compliance.domain.rules.tag_rule import Check, TagRule
from tag_compliance.domain.scope import Scope, Selection, TagConditions
from tag_compliance.domain.severity import Severity
from tag_compliance.domain.type_patterns import TypePattern
from tag_compliance.domain.waivers import Waiver


def policy_of(
    required_tags: tuple[str, ...],
    excluded_resource_types: tuple[str, ...],
    loaded: LoadedPolicy,
    *,
    excludes_aws_owned: bool = True,
    owner_tags: tuple[str, ...] = (),
) -> Policy:
    """The policy that a scan evaluates; disabled rules are no part of it."""
    rules = tuple(rule_of(rule) for rule in loaded.rules if rule.enabled)
    waivers = tuple(waiver_of(waiver) for waiver in loaded.waivers)
    return Policy(
        required_tags, excluded_resource_types, excludes_aws_owned, rules, waivers, owner_tags
    )


def rule_of(rule: PolicyRule) -> TagRule:
    """Raises `BadPattern` if its pattern is not valid."""
    key_case = KeyCase(rule.key_case or KeyCase.UNSEEN)
    checks = tuple(_checks_of(rule))
    if rule.any_tag:
        keys = tuple(TagKey((key,), key_case, rule.spellings or ()) for key in rule.any_tag)
        # Which key is missing is no fault as long as one of them is present.
        checks = tuple(check for check in checks if not isinstance(check, Required))
    else:
        keys = (TagKey(rule.tag or (), key_case, rule.spellings or (), is_glob=rule.forbidden),)
    return TagRule(
        rule_id=RuleId(rule.id),
        severity=rule.severity or Severity.MEDIUM,
        title=rule.title or rule.id,
        keys=keys,
        checks=checks,
        scope=_scope_of(rule),
        owner=rule.owner or "",
        combination=AnyTag() if rule.any_tag else None,
    )


def _checks_of(rule: PolicyRule) -> Iterator[Check]:
    if rule.required:
        yield Required()
    if rule.not_empty:
        yield NotEmpty()
    if rule.values is not None:
        yield AllowedValues(Globs(rule.values, rule.ignore_case))
    if rule.not_values is not None:
        yield ForbiddenValues(Globs(rule.not_values, rule.ignore_case))
    if rule.pattern is not None:
        yield Pattern(rule.pattern)
    if rule.length is not None:
        yield Length(rule.length.min, rule.length.max)
    if rule.forbidden:
        yield Forbidden()
    if rule.key_case is KeyCaseSetting.EXACT:
        yield KeySpelling()


def waiver_of(waiver: PolicyWaiver) -> Waiver:
    return Waiver(
        waiver_id=waiver.id,
        rules=Globs(waiver.rules),
        match=_selection_of(waiver.match),
        expires=waiver.expires,
        arns=_globs(waiver.match.arns),
        reason=waiver.reason,
        owner=waiver.owner,
        ticket=waiver.ticket or "",
    )


def _scope_of(rule: PolicyRule) -> Scope:
    only = _selection_of(rule.only) if rule.only else Selection()
    exceptions = tuple(_selection_of(selection) for selection in rule.exceptions or ())
    return Scope(only, exceptions, _conditions(rule.when.tags) if rule.when else ())


def _selection_of(selection: PolicySelection) -> Selection:
    types, tags = selection.types, None
    if isinstance(selection, RuleSelection):
        tags = selection.tags
    return Selection(
        accounts=_globs(selection.accounts),
        units=_globs(selection.ous),
        regions=_globs(selection.regions),
        types=None if types is None else tuple(TypePattern(text) for text in types),
        tags=_conditions(tags) if tags else (),
    )


def _conditions(tags: dict[str, tuple[str, ...]]) -> TagConditions:
    return tuple((key, Globs(values)) for key, values in tags.items())


def _globs(texts: tuple[str, ...] | None) -> Globs | None:
    return None if texts is None else Globs(texts)
