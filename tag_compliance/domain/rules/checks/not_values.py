"""The check `not_values`: if the tag is present, its value matches none of a list of globs."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.domain.globs import Globs
from tag_compliance.domain.rules.base import Code, CodeSets, code_sets
from tag_compliance.domain.rules.tag_column import TagColumn


@dataclass(frozen=True)
class ForbiddenValues:
    """The values that are not allowed, placeholders for example."""

    forbidden: Globs

    def codes(self, column: TagColumn) -> CodeSets:
        return column.by_value(
            lambda values: code_sets(self.forbidden.mask(values), Code.VALUE_FORBIDDEN)
        )
