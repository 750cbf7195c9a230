"""How the pipeline's values look in storage: Parquet for rows, JSON for what describes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from tag_compliance.domain.results import (
    RESULT_SCHEMA,
    ComplianceResults,
    ExcludedCount,
    RegionKey,
)
from tag_compliance.domain.scan import RESOURCE_SCHEMA, AccountScan, ScannedAccount
from tag_compliance.errors import StoredValueUnreadable

_KEY = b"tag_compliance"
_DescribedT = TypeVar("_DescribedT")


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
    """Raises `StoredValueUnreadable` for what `encode_account` did not write."""
    table, scan = _read("scan of an account", data, RESOURCE_SCHEMA, _account_scan)
    return ScannedAccount(scan, table)


def decode_scan(data: bytes) -> AccountScan:
    """An account's state alone, for the price of the file's footer."""
    try:
        metadata = pq.read_metadata(pa.BufferReader(data)).metadata or {}
        return _account_scan.validate_json(metadata[_KEY])
    except (ValidationError, pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise StoredValueUnreadable("scan of an account", " ".join(str(error).split())) from error


def encode_results(results: ComplianceResults) -> bytes:
    described = _Description(
        results.required_tags,
        results.scans,
        results.counted,
        results.excluded,
        results.unparsable,
    )
    return _parquet(results.table, _description.dump_json(described))


def decode_results(data: bytes, columns: Sequence[str] | None = None) -> ComplianceResults:
    """Raises `StoredValueUnreadable` for what `encode_results` did not write.

    `columns` names the only ones that are read; None reads all of `RESULT_SCHEMA`.
    """
    wanted = [field for field in RESULT_SCHEMA if columns is None or field.name in columns]
    table, d = _read("results", data, pa.schema(wanted), _description)
    return ComplianceResults(d.required_tags, table, d.scans, d.counted, d.excluded, d.unparsable)


def _parquet(table: pa.Table, described: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    metadata = {**(table.schema.metadata or {}), _KEY: described}
    pq.write_table(
        table.replace_schema_metadata(metadata), sink, compression="zstd", write_page_checksum=True
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _read(
    what: str, data: bytes, schema: pa.Schema, description: TypeAdapter[_DescribedT]
) -> tuple[pa.Table, _DescribedT]:
    try:
        source = pa.BufferReader(data)
        stored = pq.read_table(
            source, columns=schema.names, use_threads=False, page_checksum_verification=True
        )
        table = stored.select(schema.names).cast(schema)
        table.validate(full=True)
        return table, description.validate_json((stored.schema.metadata or {})[_KEY])
    except ValidationError as error:
        cause = f"its description is malformed ({error.error_count()} faults)"
        raise StoredValueUnreadable(what, cause) from error
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        raise StoredValueUnreadable(what, " ".join(str(error).split())) from error
