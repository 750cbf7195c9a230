"""Who is responsible for a resource: the owner, and where the owner comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tag_compliance.domain.resources import LABEL

SOURCE_NONE = "none"


@dataclass(frozen=True, slots=True)
class AccountOwner:
    """The owner of what has no owner of its own in an account.

    `source` is `account` (the configuration), `organization` (AWS Organizations) or `none`.
    """

    name: str | None = None
    source: str = SOURCE_NONE


@dataclass(frozen=True, slots=True)
class OwnerColumns:
    """For each resource its owner, or null, and the origin of the owner."""

    owner: pa.Array
    source: pa.Array


def tag_owners(tags: pa.MapArray, owner_tags: tuple[str, ...]) -> OwnerColumns:
    """The owners that the tags name: the first key of `owner_tags` with a value wins.

    A value of white space only is no owner. Both columns are null where no tag names one.
    """
    offsets = tags.offsets.to_numpy()
    keys = tags.keys.slice(offsets[0], offsets[-1] - offsets[0])
    values = tags.items.slice(offsets[0], offsets[-1] - offsets[0])
    trimmed = pc.utf8_trim_whitespace(values)
    row_of_entry = np.repeat(np.arange(len(tags)), np.diff(offsets))
    entry = np.full(len(tags), -1, dtype=np.int64)
    which = np.full(len(tags), -1, dtype=np.int64)
    for place, key in enumerate(owner_tags):
        named = pc.and_(pc.equal(keys, key), pc.not_equal(trimmed, ""))
        entries = np.flatnonzero(named.to_numpy(zero_copy_only=False))
        rows = row_of_entry[entries]
        new = which[rows] < 0
        entry[rows[new]], which[rows[new]] = entries[new], place
    origins = pa.array([f"tag:{key}" for key in owner_tags], pa.string()).dictionary_encode()
    missing = which < 0
    return OwnerColumns(
        values.take(pa.array(entry, mask=missing)),
        origins.take(pa.array(which, mask=missing)).cast(LABEL),
    )
