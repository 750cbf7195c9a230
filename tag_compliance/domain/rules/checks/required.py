"""The check `required`: the tag is present."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.domain.rules.base import Code, CodeSets, code_sets
from tag_compliance.domain.rules.tag_column import TagColumn


@dataclass(frozen=True)
class Required:
    """The tag is present, with any value, an empty one included."""

    def codes(self, column: TagColumn) -> CodeSets:
        return code_sets(~column.present, Code.MISSING)
