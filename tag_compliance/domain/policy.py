"""The policy: the rules that the company's resources must follow, and the excluded types."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property

from tag_compliance.domain.rules.base import Rule, RuleId
from tag_compliance.domain.rules.required_tag import RequiredTag


@dataclass(frozen=True)
class Policy:
    """The required tag keys, in their configured order, and the exclusion patterns.

    A resource is compliant when it has every required tag.
    """

    required_tags: tuple[str, ...]
    excluded_resource_types: tuple[str, ...] = ()

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
        content = [self.required_tags, self.excluded_resource_types]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    @cached_property
    def _exclusions(self) -> tuple[re.Pattern[str], ...]:
        return tuple(_compiled(pattern) for pattern in self.excluded_resource_types)

    def excludes(self, resource_type: str) -> bool:
        """Whether a pattern matches `service:type`, letter case aside."""
        return any(pattern.search(resource_type) for pattern in self._exclusions)


def _compiled(pattern: str) -> re.Pattern[str]:
    """A bare word matches anywhere; a pattern with `:` or `*` matches the whole `service:type`."""
    if ":" in pattern or "*" in pattern:
        only_stars = pattern.replace("[", "[[]").replace("?", "[?]")
        return re.compile(rf"\A{fnmatch.translate(only_stars)}", re.IGNORECASE)
    return re.compile(re.escape(pattern), re.IGNORECASE)
