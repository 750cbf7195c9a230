"""The check `forbidden`: no resource has a key that matches. AWS's own keys are never forbidden."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.domain.rules.base import Code, CodeSets, code_sets
from tag_compliance.domain.rules.tag_column import TagColumn


@dataclass(frozen=True)
class Forbidden:
    """The tag is absent."""

    def codes(self, column: TagColumn) -> CodeSets:
        return code_sets(column.present, Code.FORBIDDEN_KEY)
