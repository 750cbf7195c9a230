"""ARNs in their order, in which those that begin like a glob follow each other."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.globs import Globs

_LAST_CHARACTER = "\U0010ffff"


class ArnIndex:
    """An array of ARNs; looking up a glob compares the ARNs that begin like it only."""

    def __init__(self, arns: pa.Array) -> None:
        order = pc.sort_indices(arns)
        self._order = order.to_numpy()
        self._texts: list[str] = arns.take(order).to_pylist()

    def matching(self, globs: Globs) -> NDArray[np.integer]:
        """The places of the ARNs that one of the globs matches, each once."""
        found = [self._order[self._places(text)] for text in globs.texts]
        return found[0] if len(found) == 1 else np.unique(np.concatenate(found))

    def _places(self, glob: str) -> NDArray[np.integer]:
        """The places in the order."""
        beginning, *middle = re.split(r"\*+", glob)
        first = bisect.bisect_left(self._texts, beginning)
        last = beginning + _LAST_CHARACTER if middle else beginning
        end = bisect.bisect_right(self._texts, last, lo=first)
        if first == end or not middle:
            return np.arange(first, end)
        *middle, ending = middle
        found: Sequence[int] = range(first, end)
        if ending:
            found = [n for n in found if self._texts[n].endswith(ending)]
        elif not middle:
            return np.arange(first, end)
        bounds = len(beginning), len(ending)
        fitting = (n for n in found if _fits(self._texts[n], bounds, middle))
        return np.fromiter(fitting, dtype=np.int64)


def _fits(text: str, bounds: tuple[int, int], middle: Sequence[str]) -> bool:
    """Whether the parts between the stars follow each other between beginning and ending."""
    at, end = bounds[0], len(text) - bounds[1]
    for part in middle:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return at <= end
