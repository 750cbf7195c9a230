"""The rule of a required tag: the key is present, with any value, an empty one included.

Keys are compared exactly, because AWS tag keys are case-sensitive
(https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tag_compliance.domain.resources import TaggedResources
from tag_compliance.domain.rule_keys import RuleKeys
from tag_compliance.domain.rules.base import Code, RuleId, Violations
from tag_compliance.domain.severity import Severity

PREFIX = "required-tag-"
"""Begins the id of each rule that a key of `REQUIRED_TAGS` makes; reserved for these."""


@dataclass(frozen=True, slots=True)
class RequiredTag:
    """A key of `REQUIRED_TAGS`. It applies to every resource."""

    tag: str
    severity: Severity = Severity.MEDIUM

    @property
    def rule_id(self) -> RuleId:
        return RuleId(PREFIX + self.tag)

    @property
    def title(self) -> str:
        return f"Every resource has the tag {self.tag}"

    @property
    def rule_keys(self) -> RuleKeys:
        return RuleKeys((self.tag,))

    def rejects(self, value: str) -> list[Code]:  # noqa: ARG002 - each value is right
        return []

    def applies_to(self, resources: TaggedResources) -> NDArray[np.bool_]:
        return np.ones(len(resources), dtype=bool)

    def exempted_by_tag(self, resources: TaggedResources, applies: NDArray[np.bool_]) -> None:  # noqa: ARG002
        return None

    def violations(self, resources: TaggedResources, applies: NDArray[np.bool_]) -> Violations:
        absent = np.flatnonzero(applies & ~resources.has_key(self.tag))
        return Violations.with_one_code(absent, Code.MISSING)
