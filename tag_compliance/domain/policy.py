"""The policy: the rules that resources must follow, what is waived, and the excluded types."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.rules.base import Rule, RuleId
from tag_compliance.domain.rules.required_tag import RequiredTag
from tag_compliance.domain.rules.tag_rule import TagRule
from tag_compliance.domain.type_patterns import TypePattern
from tag_compliance.domain.waivers import Waiver

_MEANING = 4
"""Increased when equal content leads to another evaluation: accounts are evaluated again."""


@dataclass(frozen=True)
class Policy:
    """The required tag keys, in their configured order, what does not count (the types that
    patterns match, and what AWS owns), and the enabled rules and the waivers of the policy files.

    A resource is compliant when it has every required tag; only the metrics of the policy know
    more rules than these.
    """

    required_tags: tuple[str, ...]
    excluded_resource_types: tuple[str, ...] = ()
    excludes_aws_owned: bool = True
    tag_rules: tuple[TagRule, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    owner_tags: tuple[str, ...] = ()
    """The keys of the tags that name the owner of a resource."""

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, the rules of the required tags first."""
        return (*(RequiredTag(key) for key in self.required_tags), *self.tag_rules)

    @cached_property
    def required_rule_ids(self) -> frozenset[RuleId]:
        """The rules that decide whether a resource is compliant."""
        return frozenset(RequiredTag(key).rule_id for key in self.required_tags)

    @property
    def extends_required_tags(self) -> bool:
        """Whether there is more than the required tags, which have numbers of their own."""
        return bool(self.tag_rules or self.waivers)

    @cached_property
    def depends_on_units(self) -> bool:
        """Whether the result depends on the organizational unit of an account."""
        scopes = any(rule.scope.depends_on_units for rule in self.tag_rules)
        return scopes or any(waiver.match.units is not None for waiver in self.waivers)

    @cached_property
    def covered_rules(self) -> tuple[NDArray[np.int64], ...]:
        """For each waiver the numbers of the rules that it is about."""
        ids = pa.array([str(rule.rule_id) for rule in self.rules], pa.string())
        return tuple(np.flatnonzero(waiver.rules.mask(ids)) for waiver in self.waivers)

    @cached_property
    def version(self) -> str:
        """Identifies the content of the policy: equal for equal rules, waivers and exclusions."""
        own = [repr(content) for content in (*self.tag_rules, *self.waivers)]
        exclusions = [self.excluded_resource_types, self.excludes_aws_owned]
        content = [_MEANING, self.required_tags, exclusions, own, self.owner_tags]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    @cached_property
    def exclusions(self) -> tuple[TypePattern, ...]:
        """The patterns of the types that do not count."""
        return tuple(TypePattern(text) for text in self.excluded_resource_types)
