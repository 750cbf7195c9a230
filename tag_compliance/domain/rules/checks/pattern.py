"""The check `pattern`: if the tag is present, a regular expression matches its whole value.

The language is RE2 (https://github.com/google/re2/wiki/Syntax), as Arrow's kernels match it: the
time is linear in the length of the value, so no pattern can block a scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from tag_compliance.domain.globs import flags
from tag_compliance.domain.rules.base import Code, CodeSets, code_sets
from tag_compliance.domain.rules.tag_column import TagColumn


class BadPattern(ValueError):
    """RE2 rejects the pattern; the text says why."""


@dataclass(frozen=True)
class Pattern:
    """Raises `BadPattern` when it is created, if the pattern is not valid RE2 by itself."""

    pattern: str

    def __post_init__(self) -> None:
        if (fault := _fault_of(self.pattern)) is not None:
            raise BadPattern(_explained(fault))

    def codes(self, column: TagColumn) -> CodeSets:
        def mismatches(values: pa.Array) -> CodeSets:
            matched = pc.match_substring_regex(values, pattern=self._anchored)
            return code_sets(~flags(matched), Code.PATTERN_MISMATCH)

        return column.by_value(mismatches)

    @cached_property
    def _anchored(self) -> str:
        anchored = rf"\A(?:{self.pattern})\z"
        # An open \Q makes the rest of the pattern literal, the end of the group included.
        return anchored if _fault_of(anchored) is None else rf"\A(?:{self.pattern}\E)\z"


def _fault_of(pattern: str) -> str | None:
    try:
        pc.match_substring_regex(pa.array([""]), pattern=pattern)
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ").splitlines()[0]
    return None


_CAUSES = {
    **dict.fromkeys(
        ["(?=", "(?!", "(?<"], "look-ahead and look-behind do not exist in RE2; use two rules"
    ),
    "invalid escape sequence: \\": "this escape sequence does not exist in RE2, which has no "
    "back-references either",
}


def _explained(fault: str) -> str:
    cause = next((text for part, text in _CAUSES.items() if part in fault), None)
    return f"{fault}; {cause}" if cause else fault
