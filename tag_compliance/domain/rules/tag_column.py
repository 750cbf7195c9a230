"""The tag that a rule is about, on all resources: which of their keys are it, and its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.globs import Globs, flags
from tag_compliance.domain.resources import TaggedResources, Tags
from tag_compliance.domain.rules.base import CodeSets

_AWS_PREFIX = "aws:"
"""Keys with this prefix are written by AWS alone:
https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html"""


class KeyCase(StrEnum):
    """What other spellings of a key are: equal but for letter case, or listed in `spellings`."""

    UNSEEN = "unseen"
    """Only the exact key counts; nobody looks for others."""

    EXACT = "exact"
    """Only the exact key counts; others are reported."""

    ANY = "any"
    """Others count as the key."""


@dataclass(frozen=True)
class TagKey:
    """A key and its other spellings. With `is_glob`, the keys of users that `keys` match."""

    keys: tuple[str, ...]
    key_case: KeyCase = KeyCase.UNSEEN
    spellings: tuple[str, ...] = ()
    is_glob: bool = False

    def on(self, resources: TaggedResources) -> TagColumn:
        exact = {n for key in self.keys if (n := resources.number_of(key)) is not None}
        similar = self._similar(resources) - exact
        accepted = exact | similar if self.key_case is KeyCase.ANY else exact
        if self.is_glob:
            accepted = self._matching(resources)
        return TagColumn(
            resources,
            resources.tags(tuple(sorted(accepted))),
            tuple(sorted(similar)) if self.key_case is KeyCase.EXACT else (),
        )

    def _similar(self, resources: TaggedResources) -> set[int]:
        if self.key_case is KeyCase.UNSEEN or self.is_glob:
            return set()
        wanted = {text.casefold() for text in (*self.keys, *self.spellings)}
        return {number for text in wanted for number in resources.folded_keys.get(text, ())}

    def _matching(self, resources: TaggedResources) -> set[int]:
        globs = Globs((*self.keys, *self.spellings), self.key_case is KeyCase.ANY)
        by_user = ~flags(pc.starts_with(resources.keys, _AWS_PREFIX))
        return set(np.flatnonzero(globs.mask(resources.keys) & by_user).tolist())


@dataclass(frozen=True)
class TagColumn:
    """The tag on each resource: the tags that count as it, and the keys that are misspelled."""

    resources: TaggedResources
    tags: Tags
    misspelled: tuple[int, ...] = ()

    @property
    def present(self) -> NDArray[np.bool_]:
        return _flags(len(self.resources), self.tags.rows)

    @property
    def present_misspelled(self) -> NDArray[np.bool_]:
        return _flags(len(self.resources), self.resources.tags(self.misspelled).rows)

    def by_value(self, codes_of: Callable[[pa.Array], CodeSets]) -> CodeSets:
        """What `codes_of` finds wrong with each distinct value, for each resource; of several
        spellings, all values are checked. An absent tag has nothing wrong.
        """
        found = np.zeros(len(self.resources), dtype=np.uint16)
        codes = codes_of(self.tags.values.dictionary)
        if codes.any():
            of_tag = codes[self.tags.values.indices.to_numpy()]
            wrong = np.flatnonzero(of_tag)
            np.bitwise_or.at(found, self.tags.rows[wrong], of_tag[wrong])
        return found

    def keys_of(self, rows: NDArray[np.integer]) -> pa.Array:
        """The keys of each of these resources, ordered, joined by `|`."""
        texts = self.resources.keys.take(pa.array(self.tags.keys))
        order = pc.sort_indices(
            pa.table({"row": self.tags.rows, "key": texts}),
            sort_keys=[("row", "ascending"), ("key", "ascending")],
        )
        counts = np.bincount(self.tags.rows, minlength=len(self.resources))
        offsets = pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
        lists = pa.ListArray.from_arrays(offsets, texts.take(order))
        return pc.binary_join(lists.take(pa.array(rows)), "|")


def _flags(length: int, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
    flags = np.zeros(length, dtype=bool)
    flags[rows] = True
    return flags
