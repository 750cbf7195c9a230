"""The coverage of the latest published scan: `tables/coverage.parquet`.

docs/coverage.md describes the columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import pyarrow as pa
from pydantic import AwareDatetime, TypeAdapter

from tag_compliance.domain.clock import is_ahead
from tag_compliance.domain.coverage import CoverageRow
from tag_compliance.domain.read_status import Reason, Source
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import Warn, decode, decode_description, encode, read_or_warn

_NAME, _WHAT = "tables/coverage.parquet", "coverage of a scan"
_TIME = pa.timestamp("us", tz="UTC")

COVERAGE_SCHEMA = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("account_name", pa.string(), nullable=False),
        pa.field("ou_path", pa.string(), nullable=False),
        pa.field("region", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("counts", pa.bool_(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
        pa.field("requested", pa.string(), nullable=False),
        pa.field("returned", pa.int64()),
        pa.field("added", pa.int64(), nullable=False),
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("last_success_at", _TIME),
        pa.field("result_at", _TIME),
        pa.field("not_covered", pa.string(), nullable=False),
    ]
)
"""The fields of `domain.coverage.CoverageRow`: one row for each account, region and source, in the
configured order."""

_values = attrgetter(*COVERAGE_SCHEMA.names)


@dataclass(frozen=True)
class _Description:
    snapshot_id: str
    scan_started_at: AwareDatetime


_description = TypeAdapter(_Description)


@dataclass(frozen=True)
class StoredCoverage:
    """The rows, and the snapshot whose numbers they explain."""

    snapshot_id: str
    scan_started_at: AwareDatetime
    rows: tuple[CoverageRow, ...]


class Coverage:
    """The one table. If it cannot be read, it counts as missing."""

    def __init__(self, storage: Storage, warn: Warn) -> None:
        self._storage = storage
        self._warn = warn

    def store(self, coverage: StoredCoverage) -> bool:
        """False if the coverage of a later snapshot is stored already."""

        def unless_later(data: bytes | None) -> bytes | None:
            stored = read_or_warn(_NAME, data, _decode_description, self._warn)
            if stored is not None and _is_later(stored, coverage):
                return None
            return encode_coverage(coverage)

        return self._storage.update(_NAME, unless_later)

    def load(self) -> StoredCoverage | None:
        """The stored coverage; None if there is none that can be read."""
        found = self._storage.read(_NAME)
        return read_or_warn(_NAME, found.data if found else None, decode_coverage, self._warn)


def encode_coverage(coverage: StoredCoverage) -> bytes:
    described = _Description(coverage.snapshot_id, coverage.scan_started_at)
    return encode(_table_of(coverage.rows), _description.dump_json(described))


def decode_coverage(data: bytes) -> StoredCoverage:
    """Raises `StoredValueUnreadable`."""
    table, described = decode(_WHAT, data, COVERAGE_SCHEMA, _description)
    try:
        rows = tuple(map(_row, table.to_pylist()))
    except ValueError as error:
        raise StoredValueUnreadable(_WHAT, str(error)) from error
    return StoredCoverage(described.snapshot_id, described.scan_started_at, rows)


def _table_of(rows: Iterable[CoverageRow]) -> pa.Table:
    records = [dict(zip(COVERAGE_SCHEMA.names, _values(row), strict=True)) for row in rows]
    return pa.Table.from_pylist(records, COVERAGE_SCHEMA)


def _row(record: dict[str, Any]) -> CoverageRow:
    source, reason = Source(record["source"]), Reason(record["reason"])
    return CoverageRow(**{**record, "source": source, "reason": reason})


def _decode_description(data: bytes) -> _Description:
    return decode_description(_WHAT, data, _description)


def _is_later(stored: _Description, other: StoredCoverage) -> bool:
    """The id of a snapshot is greater than that of the one before it."""
    return stored.snapshot_id > other.snapshot_id and not is_ahead(stored.scan_started_at)
