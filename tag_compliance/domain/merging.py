"""Merging the resources of all sources: the row of each ARN that is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Source
from tag_compliance.domain.resources import flags_by_text, numbers_by_text

TAGS_READ_BY = {"autoscaling:autoScalingGroup": Source.AUTOSCALING}
"""Types that the tagging API never returns, and the source that reads their tags. Without it, rows
of Resource Explorer are not used: only those without tags would be known."""


@dataclass(frozen=True, slots=True)
class SourceRows:
    """The rows of one source that are used: those of `regions`, where it was read.

    `counts` as in `ReadStatus`: without it, the rows are only reported.
    """

    source: Source
    regions: tuple[RegionName, ...]
    counts: bool = True


@dataclass(frozen=True, slots=True)
class MergedRows:
    """The rows of a table of `RESOURCE_SCHEMA` that are used, ordered by region.

    `first` flags one row for each ARN. `counting` flags the rows of sources and regions that count.
    `explored` flags the rows of Resource Explorer in regions that count and in which it was read.
    """

    table: pa.Table
    first: NDArray[np.bool_]
    counting: NDArray[np.bool_]
    explored: NDArray[np.bool_]

    @classmethod
    def of(
        cls, table: pa.Table, regions: Sequence[RegionName], sources: Sequence[SourceRows]
    ) -> Self:
        """`regions` are those that count, `sources` are in the order of their precedence.

        Of equal ARNs, the row of the source with the highest precedence is used. Among those, a row
        that counts comes first, then the row of the region that the ARN names, then the first row.
        """
        used = _used_rows(table, regions, sources)
        counted = {rows.source for rows in sources if rows.counts}
        in_region = flags_by_text(used["region"], lambda name: name in regions)
        counting = in_region & flags_by_text(used["source"], lambda name: name in counted)
        explored = in_region & flags_by_text(used["source"], _is_explorer)
        rank = numbers_by_text(used["source"], _place_in([rows.source for rows in sources]))
        return cls(used, _once_per_arn(used, rank, counting), counting, explored)


def _used_rows(
    table: pa.Table, regions: Sequence[RegionName], sources: Sequence[SourceRows]
) -> pa.Table:
    places = list(dict.fromkeys([*regions, *(r for rows in sources for r in rows.regions)]))
    names = [rows.source for rows in sources]
    is_used = np.zeros((len(places) + 1, len(sources) + 1), dtype=bool)
    for number, rows in enumerate(sources):
        is_used[[places.index(region) for region in rows.regions], number] = True

    place = numbers_by_text(table["region"], _place_in(places))
    source = numbers_by_text(table["source"], _place_in(names))
    used = is_used[place, source] & ~_unknown_tags(table, names)
    if used.all() and (np.diff(place) >= 0).all():
        return table
    order = np.argsort(place, kind="stable")
    return table.take(pa.array(order[used[order]]))


def _unknown_tags(table: pa.Table, sources: Sequence[Source]) -> NDArray[np.bool_]:
    """Flags the rows of Resource Explorer whose tags only a source reads that is not on."""
    types = {type_ for type_, source in TAGS_READ_BY.items() if source not in sources}
    explored = flags_by_text(table["source"], _is_explorer)
    if not types or not explored.any():
        return np.zeros(len(table), dtype=bool)
    return explored & flags_by_text(table["resource_type"], lambda name: name in types)


def _is_explorer(source: str) -> bool:
    return source == Source.RESOURCE_EXPLORER


def _once_per_arn(
    table: pa.Table, rank: NDArray[np.int64], counting: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Flags one row for each ARN: AWS may return one twice, a global one in several regions."""
    once = np.ones(len(table), dtype=bool)
    codes = table["arn"].combine_chunks().dictionary_encode().indices.to_numpy()
    several = np.flatnonzero(np.bincount(codes)[codes] > 1) if len(codes) else codes
    if len(several) == 0:
        return once
    rows = table.take(pa.array(several)).select(["arn", "region"])
    home = rows["arn"].to_pandas().str.split(":", n=4).str[3]
    at_home = (home == rows["region"].cast(pa.string()).to_pandas()).to_numpy(dtype=bool)
    order = np.lexsort((several, ~at_home, ~counting[several], rank[several]))
    _, first = np.unique(codes[several][order], return_index=True)
    once[several] = False
    once[several[order[first]]] = True
    return once


def _place_in(known: Sequence[str]) -> Callable[[str], int]:
    """Returns the place of a text, for others the number of the known ones."""
    return lambda name: known.index(name) if name in known else len(known)
