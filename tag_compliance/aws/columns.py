"""From pages to columns: strings become Arrow arrays before the next few thousand come."""

from __future__ import annotations

import pyarrow as pa

from tag_compliance.aws.page import Page
from tag_compliance.domain.arn import type_of
from tag_compliance.domain.scan import RESOURCE_SCHEMA

_ROWS_PER_CHUNK = 5_000


class ResourceColumns:
    """Collects one region's resources; `table` has `RESOURCE_SCHEMA`."""

    def __init__(self, region: str) -> None:
        self._region = region
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

    def add(self, page: Page) -> None:
        mappings = page.ResourceTagMappingList
        arns = [mapping.ResourceARN for mapping in mappings]
        self._arns += arns
        self._types += map(type_of, arns)
        for mapping in mappings:
            self._keys += [tag.Key for tag in mapping.Tags]
            self._values += [tag.Value for tag in mapping.Tags]
            self._offsets.append(len(self._keys))
        self._rows += len(mappings)
        if len(self._arns) >= _ROWS_PER_CHUNK:
            self._end_chunk()

    def _end_chunk(self) -> None:
        regions = pa.array([0] * len(self._arns), pa.int32())
        tags = pa.MapArray.from_arrays(
            pa.array(self._offsets, pa.int32()),
            pa.array(self._keys, pa.string()),
            pa.array(self._values, pa.string()),
        )
        columns = {
            "region": pa.DictionaryArray.from_arrays(regions, pa.array([self._region])),
            "arn": pa.array(self._arns, pa.string()),
            "resource_type": pa.array(self._types, pa.string()).dictionary_encode(),
            "tags": tags,
        }
        self._chunks.append(pa.table(columns, schema=RESOURCE_SCHEMA))
        self._start_chunk()

    def table(self) -> pa.Table:
        if self._arns or not self._chunks:
            self._end_chunk()
        return pa.concat_tables(self._chunks).unify_dictionaries()
