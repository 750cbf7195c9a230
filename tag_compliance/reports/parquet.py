"""Parquet for analysts, typed: the only format that needs Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from tag_compliance.domain.report_row import COLUMNS, ReportRow
from tag_compliance.reports.context import ReportContext

_ROW_GROUP = 16_384

_TYPES = {
    "snapshot_time": pa.timestamp("ms", "UTC"),
    "codes": pa.list_(pa.string()),
    "waiver_expires": pa.date32(),
    "opened_at": pa.timestamp("ms", "UTC"),
    "age_days": pa.int32(),
    "tags": pa.map_(pa.string(), pa.string()),
}
REPORT_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in COLUMNS])
"""Athena and pandas read these types as they are."""


def write_parquet(rows: Iterable[ReportRow], _context: ReportContext, sink: BinaryIO) -> None:
    """The rows in groups of a limited size."""
    tags = COLUMNS.index("tags")
    with pq.ParquetWriter(sink, REPORT_SCHEMA, compression="zstd") as writer:
        for group in _groups(iter(rows)):
            columns = [list(column) for column in zip(*group, strict=True)]
            columns[tags] = [list(pairs.items()) for pairs in columns[tags]]
            arrays = map(pa.array, columns, REPORT_SCHEMA.types)
            writer.write_table(pa.table([*arrays], schema=REPORT_SCHEMA))


def _groups(rows: Iterator[ReportRow]) -> Iterator[list[ReportRow]]:
    while group := list(islice(rows, _ROW_GROUP)):
        yield group
