"""The check `not_empty`: if the tag is present, its value is not empty."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.compute as pc

from tag_compliance.domain.globs import flags
from tag_compliance.domain.rules.base import Code, CodeSets, code_sets
from tag_compliance.domain.rules.tag_column import TagColumn


@dataclass(frozen=True)
class NotEmpty:
    """The value has a character; a space is one."""

    def codes(self, column: TagColumn) -> CodeSets:
        return column.by_value(lambda values: code_sets(flags(pc.equal(values, "")), Code.EMPTY))
