"""The check `length`: if the tag is present, its value has so many characters."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tag_compliance.domain.rules.base import Code, CodeSets, code_sets
from tag_compliance.domain.rules.tag_column import TagColumn


@dataclass(frozen=True)
class Length:
    """The bounds are inclusive and count code points; None: there is no bound."""

    shortest: int | None
    longest: int | None

    def codes(self, column: TagColumn) -> CodeSets:
        return column.by_value(self._codes_of_values)

    def _codes_of_values(self, values: pa.Array) -> CodeSets:
        lengths = pc.utf8_length(values).to_numpy()
        codes = code_sets(lengths < (self.shortest or 0), Code.TOO_SHORT)
        if self.longest is not None:
            codes |= code_sets(lengths > self.longest, Code.TOO_LONG)
        return codes
