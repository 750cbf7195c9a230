"""Resources as AWS returned them: the resource table, one account's part of it, its tag keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import AccountReadStatus, Source

LABEL = pa.dictionary(pa.int32(), pa.string())
"""The type of a column with few distinct texts."""


def constant_column(text: str, rows: int) -> pa.DictionaryArray:
    """A column of type `LABEL` that has the same text in each row."""
    indices = pa.array(np.zeros(rows, dtype=np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array([str(text)], pa.string()))


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A column of type `LABEL` as one array: `dictionary` has the texts, `indices` their places."""
    return column.unify_dictionaries().combine_chunks()


def numbers_by_text(column: pa.ChunkedArray, number: Callable[[str], int]) -> NDArray[np.int64]:
    """The number of each row's text in a column of type `LABEL` without nulls.

    `number` is called once for each distinct text. A column can also have texts that no row has,
    such as the name of a source that was switched off.
    """
    texts = encoded(column)
    values = np.array([number(text) for text in texts.dictionary.to_pylist()], dtype=np.int64)
    found: NDArray[np.int64] = values[texts.indices.to_numpy()]
    return found


def text_numbers(column: pa.ChunkedArray, texts: Iterable[str]) -> NDArray[np.int64]:
    """For each row the position of its text in `texts`, or -1, see `numbers_by_text`."""
    known = {str(text): number for number, text in enumerate(texts)}
    return numbers_by_text(column, lambda text: known.get(text, -1))


def flags_by_text(column: pa.ChunkedArray, test: Callable[[str], bool]) -> NDArray[np.bool_]:
    """For each row whether its text passes the test, see `numbers_by_text`."""
    return numbers_by_text(column, test).astype(bool)


def has_text(column: pa.ChunkedArray, text: str) -> NDArray[np.bool_]:
    """For each row whether it has this text, see `numbers_by_text`."""
    return flags_by_text(column, lambda own: own == text)


def stable_order(numbers: NDArray[np.integer], end: int) -> NDArray[np.int64]:
    """The order of numbers from 0 to below `end`, in which equal ones keep their order."""
    # Numpy sorts numbers of 16 bits by radix, which takes a tenth of the time.
    small = end <= np.iinfo(np.uint16).max + 1
    return np.argsort(numbers.astype(np.uint16) if small else numbers, kind="stable")


RESOURCE_SCHEMA = pa.schema(
    [
        pa.field("region", LABEL, nullable=False),
        pa.field("arn", pa.string(), nullable=False),
        pa.field("resource_type", LABEL, nullable=False),
        pa.field("tags", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("source", LABEL, nullable=False),
    ]
)
"""One row for each resource that a source returned, before exclusion and before an ARN that came
back twice is counted once.

`region` is the region that was read, which is not the ARN's region for global resources;
`resource_type` is `service:type`; `source` is a `Source`.
"""


@dataclass(frozen=True, slots=True)
class AccountInventory:
    """An account's read status and its resources: `resources` has `RESOURCE_SCHEMA`."""

    status: AccountReadStatus
    resources: pa.Table

    def carry_forward(self, previous: AccountInventory) -> AccountInventory:
        """This inventory, with the last good rows of what this scan could not read.

        A source that failed in a region keeps the rows and the `last_success_at` of its last good
        reading there, so that a failure never destroys what was known. Its status stays failed:
        whether such rows count is decided when they are evaluated.
        """
        before = {region.region: region for region in previous.status.regions}
        regions = tuple(
            region.with_last_success_of(before[region.region])
            if region.region in before
            else region
            for region in self.status.regions
        )
        kept = [
            (region.region, source.source)
            for region in regions
            for source in region.sources
            if not source.succeeded and source.last_success_at is not None
        ]
        status = replace(
            self.status,
            regions=regions,
            last_success_at=self.status.last_success_at or previous.status.last_success_at,
        )
        if not kept:
            return AccountInventory(status, self.resources)
        rows = rows_of_readings(previous.resources, kept)
        resources = pa.concat_tables([self.resources, rows]).unify_dictionaries()
        return AccountInventory(status, resources)


def rows_of_readings(table: pa.Table, readings: Iterable[tuple[RegionName, Source]]) -> pa.Table:
    """The rows of a table of `RESOURCE_SCHEMA` that these (region, source) pairs returned."""
    names = [f"{source} {region}" for region, source in readings]
    labels = (table[name].cast(pa.string()) for name in ("source", "region"))
    reading = pc.binary_join_element_wise(*labels, " ")
    return table.filter(pc.is_in(reading, value_set=pa.array(names, pa.string())))


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags with certain keys: `rows` are ascending positions in the resource table, `keys` are
    numbers of `TaggedResources.keys`, and `values` are the texts.
    """

    rows: NDArray[np.integer]
    keys: NDArray[np.integer]
    values: pa.DictionaryArray


class TaggedResources:
    """The counted resources of an account: a table of `RESOURCE_SCHEMA` with an index of its tags.

    The keys are numbered once for all rules: a look-up in the map column for each rule takes ten
    times as long. `units` are the paths and ids of the organizational units that contain the
    account, directly or not.
    """

    def __init__(self, table: pa.Table, account_id: str = "", units: tuple[str, ...] = ()) -> None:
        self.table = table
        self.account_id = account_id
        self.units = units
        maps = table["tags"].combine_chunks()
        offsets = maps.offsets.to_numpy()
        first, length = offsets[0], offsets[-1] - offsets[0]
        keys = maps.keys.slice(first, length).dictionary_encode()
        self._values = maps.items.slice(first, length)
        self._rows = np.repeat(np.arange(len(maps)), np.diff(offsets))
        self._codes = keys.indices.to_numpy()
        self._selected: dict[tuple[int, ...], Tags] = {}
        self.keys: pa.Array = keys.dictionary
        """The distinct tag keys."""

    def __len__(self) -> int:
        return len(self.table)

    def has_key(self, key: str) -> NDArray[np.bool_]:
        """For each resource, whether it has a tag with exactly this key."""
        found = np.zeros(len(self), dtype=bool)
        code = self.number_of(key)
        if code is not None:
            found[self._rows[self._codes == code]] = True
        return found

    def number_of(self, key: str) -> int | None:
        """The number of exactly this key; None if no resource has it."""
        return self._numbers.get(key)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {key: number for number, key in enumerate(self.keys.to_pylist())}

    def tags(self, keys: tuple[int, ...]) -> Tags:
        """The tags whose keys have these numbers; rules that ask for the same keys share them."""
        if keys not in self._selected:
            self._selected[keys] = self._select(keys)
        return self._selected[keys]

    def _select(self, keys: tuple[int, ...]) -> Tags:
        found = np.zeros(len(self._codes), dtype=bool)
        for key in keys:
            found |= self._codes == key
        places = np.flatnonzero(found)
        values = self._values.take(pa.array(places)).dictionary_encode()
        return Tags(self._rows[places], self._codes[places], values)

    @cached_property
    def folded_keys(self) -> Mapping[str, tuple[int, ...]]:
        """The numbers of the keys that are equal but for letter case, by their folded form."""
        found: dict[str, tuple[int, ...]] = {}
        for number, key in enumerate(self.keys.to_pylist()):
            found[key.casefold()] = (*found.get(key.casefold(), ()), number)
        return found
