"""What every kind of rule has in common: its identity, and the violations that it finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tag_compliance.domain.resources import TaggedResources

RuleId = NewType("RuleId", str)


class Severity(StrEnum):
    """How serious a violation of a rule is, from the least to the most serious."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Code(StrEnum):
    """What is wrong with a resource: the bounded set of codes of a finding."""

    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Violations:
    """The resources that violate one rule: a row number and an entry of `codes` for each.

    `rows` are ascending positions in the resource table; `codes[which[i]]` are the codes of
    `rows[i]`.
    """

    rows: NDArray[np.int64]
    codes: tuple[tuple[Code, ...], ...]
    which: NDArray[np.int64]

    @classmethod
    def with_one_code(cls, rows: NDArray[np.int64], code: Code) -> Self:
        """Violations that all have the same single code."""
        return cls(rows, ((code,),), np.zeros(len(rows), dtype=np.int64))


class Rule(Protocol):
    """One requirement of the policy. A new kind of rule is one file that implements this."""

    @property
    def rule_id(self) -> RuleId: ...

    @property
    def severity(self) -> Severity: ...

    @property
    def tag(self) -> str:
        """The tag key that the rule is about."""

    def applies_to(self, resources: TaggedResources) -> NDArray[np.bool_]:
        """For each resource, whether the rule applies to it."""

    def violations(self, resources: TaggedResources) -> Violations:
        """The resources that the rule applies to and that violate it."""
