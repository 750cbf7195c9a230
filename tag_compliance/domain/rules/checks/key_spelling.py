"""The check `key_case: exact`: no resource has another spelling of the key."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.domain.rules.base import Code, CodeSets, code_sets
from tag_compliance.domain.rules.tag_column import TagColumn


@dataclass(frozen=True)
class KeySpelling:
    """Other spellings are reported, whether or not the exact key is present too."""

    def codes(self, column: TagColumn) -> CodeSets:
        return code_sets(column.present_misspelled, Code.WRONG_KEY)
