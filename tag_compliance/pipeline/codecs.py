"""How the pipeline's values look in storage: Parquet for rows, JSON for what describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from tag_compliance.domain.results import (
    RESULT_SCHEMA,
    ComplianceResults,
    ExcludedCount,
    RegionKey,
)
from tag_compliance.domain.scan import RESOURCE_SCHEMA, AccountScan, ScannedAccount

_KEY = b"tag_compliance"


@dataclass(frozen=True)
class _Description:
    """What stands beside the rows of the results."""

    required_tags: tuple[str, ...]
    scans: tuple[AccountScan, ...]
    counted: tuple[RegionKey, ...]
    excluded: tuple[ExcludedCount, ...]
    unparsable: tuple[tuple[str, int], ...]


_account_scan = TypeAdapter(AccountScan)
_description = TypeAdapter(_Description)


def encode_account(account: ScannedAccount) -> bytes:
    """An account's rows, its state in the file's metadata: one object, so never out of step."""
    return _parquet(account.table, _account_scan.dump_json(account.scan))


def decode_account(data: bytes) -> ScannedAccount:
    table, described = _table(data, RESOURCE_SCHEMA)
    return ScannedAccount(_account_scan.validate_json(described), table)


def encode_results(results: ComplianceResults) -> bytes:
    described = _Description(
        results.required_tags,
        results.scans,
        results.counted,
        results.excluded,
        results.unparsable,
    )
    return _parquet(results.table, _description.dump_json(described))


def decode_results(data: bytes) -> ComplianceResults:
    table, described = _table(data, RESULT_SCHEMA)
    d = _description.validate_json(described)
    return ComplianceResults(d.required_tags, table, d.scans, d.counted, d.excluded, d.unparsable)


def _parquet(table: pa.Table, described: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    metadata = {**(table.schema.metadata or {}), _KEY: described}
    pq.write_table(table.replace_schema_metadata(metadata), sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _table(data: bytes, schema: pa.Schema) -> tuple[pa.Table, Any]:
    table = pq.read_table(pa.BufferReader(data))
    return table.select(schema.names).cast(schema), table.schema.metadata[_KEY]
