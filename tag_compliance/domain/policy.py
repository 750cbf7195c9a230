"""The policy: the rules that the company's resources must follow, and the excluded types."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from tag_compliance.domain.rules.base import Rule, RuleId
from tag_compliance.domain.rules.required_tag import RequiredTag
from tag_compliance.domain.type_patterns import TypePattern

_MEANING = 3
"""Increased when equal patterns lead to another evaluation: accounts are evaluated again."""


@dataclass(frozen=True)
class Policy:
    """The required tag keys, in their configured order, and the exclusion patterns.

    A resource is compliant when it has every required tag.
    """

    required_tags: tuple[str, ...]
    excluded_resource_types: tuple[str, ...] = ()
    owner_tags: tuple[str, ...] = ()
    """The keys of the tags that name the owner of a resource."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, the rules of the required tags first."""
        return tuple(RequiredTag(key) for key in self.required_tags)

    @property
    def required_rule_ids(self) -> frozenset[RuleId]:
        """The rules that decide whether a resource is compliant."""
        return frozenset(RequiredTag(key).rule_id for key in self.required_tags)

    @cached_property
    def version(self) -> str:
        """Identifies the content of the policy: equal for equal rules and exclusions."""
        content = [_MEANING, self.required_tags, self.excluded_resource_types, self.owner_tags]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    @cached_property
    def exclusions(self) -> tuple[TypePattern, ...]:
        """The patterns of the types that do not count."""
        return tuple(TypePattern(text) for text in self.excluded_resource_types)
