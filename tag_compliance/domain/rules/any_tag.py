"""`any_tag`: one of several keys is enough, if nothing is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from tag_compliance.domain.rules.base import Code, CodeSets, code_sets
from tag_compliance.domain.rules.tag_column import TagColumn


@dataclass(frozen=True)
class AnyTag:
    """A resource passes with one key that is present and correct; misspelled keys are reported
    all the same. If all present keys are wrong, the finding has the codes of all of them.
    """

    def combined(self, columns: list[TagColumn], found: list[CodeSets]) -> CodeSets:
        present = [column.present for column in columns]
        wrong_keys = reduce(np.bitwise_or, found) & Code.WRONG_KEY.bit
        of_values = [codes & ~Code.WRONG_KEY.bit for codes in found]
        passed = reduce(
            np.bitwise_or, (p & (codes == 0) for p, codes in zip(present, of_values, strict=True))
        )
        missing = code_sets(~reduce(np.bitwise_or, present), Code.MISSING)
        wrong = reduce(np.bitwise_or, of_values) | missing
        return wrong_keys | np.where(passed, np.uint16(0), wrong)
