"""What every rule has in common: its identity, and the violations that it finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.resources import TaggedResources
from tag_compliance.domain.rule_keys import RuleKeys
from tag_compliance.domain.severity import Severity

RuleId = NewType("RuleId", str)


class Code(StrEnum):
    """What is wrong with a resource: the bounded set of codes of a finding, in their order."""

    MISSING = "missing"
    WRONG_KEY = "wrong_key"
    EMPTY = "empty"
    VALUE_NOT_ALLOWED = "value_not_allowed"
    VALUE_FORBIDDEN = "value_forbidden"
    PATTERN_MISMATCH = "pattern_mismatch"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    FORBIDDEN_KEY = "forbidden_key"

    @property
    def bit(self) -> np.uint16:
        """The code in a set of codes."""
        return _BITS[self]


_BITS = {code: np.uint16(1 << place) for place, code in enumerate(Code)}

CodeSets = NDArray[np.uint16]
"""A set of codes for each entry, as the sum of the bits of its codes."""


def code_sets(wrong: NDArray[np.bool_], code: Code) -> CodeSets:
    """A set with this code where `wrong` is set, an empty one elsewhere."""
    return np.where(wrong, code.bit, np.uint16(0))


@dataclass(frozen=True, slots=True)
class Violations:
    """The resources that violate one rule: a row number and an entry of `codes` for each.

    `rows` are ascending positions in the resource table; `codes[which[i]]` are the codes of
    `rows[i]`. `tags` are the keys that are wrong, if they differ from resource to resource.
    """

    rows: NDArray[np.int64]
    codes: tuple[tuple[Code, ...], ...]
    which: NDArray[np.int64]
    tags: pa.Array | None = None

    @classmethod
    def with_one_code(cls, rows: NDArray[np.int64], code: Code) -> Self:
        """Violations that all have the same single code."""
        return cls(rows, ((code,),), np.zeros(len(rows), dtype=np.int64))

    @classmethod
    def of(cls, codes: CodeSets) -> Self:
        """The resources whose set of codes is not empty."""
        rows = np.flatnonzero(codes)
        found = codes[rows]
        distinct = np.flatnonzero(np.bincount(found, minlength=1))
        sets = tuple(tuple(code for code in Code if code.bit & bits) for bits in distinct.tolist())
        return cls(rows, sets, np.searchsorted(distinct, found))


class Rule(Protocol):
    """One requirement of the policy."""

    @property
    def rule_id(self) -> RuleId: ...

    @property
    def severity(self) -> Severity: ...

    @property
    def title(self) -> str:
        """One line for people."""

    @property
    def tag(self) -> str:
        """The tag key that the rule is about."""

    @property
    def rule_keys(self) -> RuleKeys:
        """The keys, as programs without Arrow know them."""

    def rejects(self, value: str) -> list[Code]:
        """What is wrong with a resource in the scope whose tags have this value."""

    def applies_to(self, resources: TaggedResources) -> NDArray[np.bool_]:
        """For each resource, whether the rule applies to it."""

    def exempted_by_tag(
        self, resources: TaggedResources, applies: NDArray[np.bool_]
    ) -> NDArray[np.bool_] | None:
        """The resources that the rule would apply to if its scope did not depend on tags, without
        those that it applies to; None if it does not depend on tags.
        """

    def violations(self, resources: TaggedResources, applies: NDArray[np.bool_]) -> Violations:
        """The resources that violate the rule; `applies` flags those that it applies to."""
