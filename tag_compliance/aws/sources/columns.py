"""Resources collected in columns, which become Arrow arrays every few thousand rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from tag_compliance.domain.account import RegionName
from tag_compliance.domain.arn import type_of, without_wildcard
from tag_compliance.domain.read_status import Source
from tag_compliance.domain.resources import RESOURCE_SCHEMA, constant_column

_ROWS_PER_CHUNK = 5_000


class ResourceColumns:
    """Collects the resources of one region from one source."""

    def __init__(self, region: RegionName, source: Source) -> None:
        self._region = region
        self._source = source
        self._chunks: list[pa.Table] = []
        self._rows = 0
        self._start_chunk()

    def __len__(self) -> int:
        return self._rows

    def _start_chunk(self) -> None:
        self._arns: list[str] = []
        self._types: list[str] = []
        self._offsets: list[int] = [0]
        self._keys: list[str] = []
        self._values: list[str] = []

    def add(self, arns: Sequence[str], tags: Iterable[Mapping[str, str]]) -> None:
        """Appends resources in this order; `tags` has the tags of each."""
        arns = list(map(without_wildcard, arns))
        self._arns += arns
        self._types += map(type_of, arns)
        for pairs in tags:
            self._keys += pairs
            self._values += pairs.values()
            self._offsets.append(len(self._keys))
        self._rows += len(arns)
        if len(self._arns) >= _ROWS_PER_CHUNK:
            self._end_chunk()

    def _end_chunk(self) -> None:
        tags = pa.MapArray.from_arrays(
            pa.array(self._offsets, pa.int32()),
            pa.array(self._keys, pa.string()),
            pa.array(self._values, pa.string()),
        )
        columns = {
            "region": constant_column(self._region, len(self._arns)),
            "arn": pa.array(self._arns, pa.string()),
            "resource_type": pa.array(self._types, pa.string()).dictionary_encode(),
            "tags": tags,
            "source": constant_column(self._source, len(self._arns)),
        }
        self._chunks.append(pa.table(columns, schema=RESOURCE_SCHEMA))
        self._start_chunk()

    def table(self) -> pa.Table:
        """All rows, in the order in which they were added: a table of `RESOURCE_SCHEMA`."""
        if self._arns or not self._chunks:
            self._end_chunk()
        return pa.concat_tables(self._chunks).unify_dictionaries()
