"""Rows and their description as one Parquet file, so that the two always belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from tag_compliance.errors import StoredValueUnreadable

_KEY = b"tag_compliance"
T = TypeVar("T")

Warn = Callable[[str], None]
"""Called with a sentence for a person."""


def read_or_warn(
    who: str, data: bytes | None, decode: Callable[[bytes], T], warn: Warn
) -> T | None:
    """What is stored as `who`, an account or a file; None, with a warning, if it is unreadable."""
    try:
        return None if data is None else decode(data)
    except StoredValueUnreadable as error:
        warn(f"{who}: {error}")
        return None


def encode(table: pa.Table, description: bytes) -> bytes:
    """The rows, with the description in the file's metadata."""
    sink = pa.BufferOutputStream()
    metadata = {**(table.schema.metadata or {}), _KEY: description}
    pq.write_table(
        table.replace_schema_metadata(metadata), sink, compression="zstd", write_page_checksum=True
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def decode_description(what: str, data: bytes, adapter: TypeAdapter[T]) -> T:
    """The description alone: only the file's footer is read. Raises `StoredValueUnreadable`."""
    with _unreadable(what):
        metadata = pq.read_metadata(pa.BufferReader(data)).metadata or {}
        return adapter.validate_json(metadata[_KEY])


def decode(
    what: str, data: bytes, schema: pa.Schema, adapter: TypeAdapter[T]
) -> tuple[pa.Table, T]:
    """The rows, with the columns of `schema`, and the description.

    Raises `StoredValueUnreadable` for anything that `encode` did not write.
    """
    with _unreadable(what):
        stored = pq.read_table(
            pa.BufferReader(data),
            columns=schema.names,
            use_threads=False,
            page_checksum_verification=True,
        )
        table = stored.select(schema.names).cast(schema)
        table.validate(full=True)
        return table, adapter.validate_json((stored.schema.metadata or {})[_KEY])


@contextmanager
def _unreadable(what: str) -> Iterator[None]:
    """Raises `StoredValueUnreadable` for what Arrow and pydantic raise for damaged bytes."""
    try:
        yield
    except ValidationError as error:
        cause = f"its description is malformed ({error.error_count()} faults)"
        raise StoredValueUnreadable(what, cause) from error
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        raise StoredValueUnreadable(what, " ".join(str(error).split())) from error
