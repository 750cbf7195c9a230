"""The history of one account as one object, so that everything in it changes at once.

The object is a ZIP archive of Parquet files, which any tool can read:

* `findings.parquet`: the tracked findings; its metadata has the counters and everything else
* `resources.parquet`: the hashes of the resources that were ever seen
* `closed.parquet`: what the last change closed, until the file of the day has it
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.history.kinds import FIX_SECONDS, KINDS, WHYS
from tag_compliance.domain.history.reading import Place
from tag_compliance.domain.history.state import (
    CLOSED_SCHEMA,
    SEEN_SCHEMA,
    TRACKED_SCHEMA,
    AccountHistory,
    DayNumbers,
    RuleCounters,
)
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.tables.parquet import decode, encode

FORMAT = 1
"""A reader rejects another version: it would misread the counters."""

ADVICE = (
    "restore the object from a backup; or delete it, and the history of the account begins again "
    "with its counters at 0"
)

_FINDINGS, _SEEN, _CLOSED = "findings.parquet", "resources.parquet", "closed.parquet"
_SIZES = (len(KINDS), len(WHYS), len(FIX_SECONDS) + 1)
_ALWAYS = (1980, 1, 1, 0, 0, 0)
"""The time of the files in the archive: equal histories have equal bytes."""


@dataclass(frozen=True)
class _Header:
    """An `AccountHistory` without its tables."""

    format: int
    account_id: AccountId
    account_name: AccountName
    started_at: AwareDatetime
    updated_at: AwareDatetime
    sequence: int
    day: DayNumbers
    reading: AwareDatetime | None
    removed_at: AwareDatetime | None
    places: tuple[Place, ...]
    result_at: tuple[AwareDatetime | None, ...]
    policies: Mapping[int, Mapping[str, str]]
    counters: Mapping[str, RuleCounters]
    active_at: Mapping[str, AwareDatetime]
    reading_run: int = 0


_DAMAGES = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError),
    *(ValueError, KeyError, MemoryError),
)
"""What `zipfile` raises for damaged bytes, and what `_verify` raises."""

_Retired = dict[str, _Header]
_header = TypeAdapter(_Header)
_retired = TypeAdapter(_Retired)
_nothing = TypeAdapter(dict[str, str])
_FIELDS = tuple(name for name in _Header.__dataclass_fields__ if name != "format")


def encode_history(history: AccountHistory) -> bytes:
    parts = {
        _FINDINGS: encode(history.tracked, _header.dump_json(_header_of(history))),
        _SEEN: encode(history.seen, b"{}"),
        _CLOSED: encode(history.closed, b"{}"),
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _ALWAYS), data)
    return target.getvalue()


def decode_history(data: bytes, account_id: AccountId) -> AccountHistory:
    """Raises `StoredValueUnreadable`, also for the history of another account."""
    what = _what(account_id)
    with _with_advice(what):
        parts = _parts(data)
        tracked, header = decode(what, parts[_FINDINGS], TRACKED_SCHEMA, _header)
        seen, _ = decode(what, parts[_SEEN], SEEN_SCHEMA, _nothing)
        closed, _ = decode(what, parts[_CLOSED], CLOSED_SCHEMA, _nothing)
        _verify(header, account_id)
    return _history_of(header, tracked, seen, closed)


def decode_tracked(data: bytes, account_id: AccountId, columns: Sequence[str]) -> pa.Table:
    """These columns of the tracked findings alone. Raises `StoredValueUnreadable`."""
    what, schema = _what(account_id), pa.schema([TRACKED_SCHEMA.field(name) for name in columns])
    with _with_advice(what):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            tracked, header = decode(what, archive.read(_FINDINGS), schema, _header)
        _verify(header, account_id)
    return tracked


def encode_retired(histories: Mapping[str, AccountHistory]) -> bytes:
    """Histories without their tables, by an arbitrary key."""
    return _retired.dump_json({key: _header_of(history) for key, history in histories.items()})


def decode_retired(data: bytes) -> dict[str, AccountHistory]:
    """Raises `StoredValueUnreadable`."""
    try:
        headers = _retired.validate_json(data)
        for header in headers.values():
            _verify(header, header.account_id)
    except (ValidationError, ValueError) as error:
        cause = " ".join(str(error).split())[:200]
        raise StoredValueUnreadable("history of removed accounts", cause, ADVICE) from error
    return {key: _history_of(header) for key, header in headers.items()}


def _what(account_id: AccountId) -> str:
    return f"history of account {account_id}"


@contextmanager
def _with_advice(what: str) -> Iterator[None]:
    """Raises `StoredValueUnreadable` with `ADVICE` for every damage."""
    try:
        yield
    except StoredValueUnreadable as error:
        raise StoredValueUnreadable(what, error.cause, ADVICE) from error
    except _DAMAGES as error:
        raise StoredValueUnreadable(what, " ".join(str(error).split()), ADVICE) from error


def _parts(data: bytes) -> dict[str, bytes]:
    """The files of the archive; reading one verifies its checksum.

    Compressed ones are rejected, because a few bytes can become more than the memory.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if any(file.compress_type != zipfile.ZIP_STORED for file in archive.infolist()):
            raise ValueError("its files are compressed, which this program never does")
        return {name: archive.read(name) for name in (_FINDINGS, _SEEN, _CLOSED)}


def _header_of(history: AccountHistory) -> _Header:
    return _Header(FORMAT, **{name: getattr(history, name) for name in _FIELDS})


def _history_of(header: _Header, *tables: pa.Table) -> AccountHistory:
    named = zip(("tracked", "seen", "closed"), tables, strict=False)
    return AccountHistory(**{n: getattr(header, n) for n in _FIELDS}, **dict(named))


def _verify(header: _Header, account_id: AccountId) -> None:
    """Raises `ValueError`."""
    if header.format != FORMAT:
        raise ValueError(f"it has format {header.format}, this program reads format {FORMAT}")
    if header.account_id != account_id:
        raise ValueError(f"it is that of account {header.account_id}")
    if len(header.places) != len(header.result_at):
        raise ValueError("its places and results differ in number")
    for counters in (*header.counters.values(), *header.day.counters.values()):
        if (len(counters.opened), len(counters.closed), len(counters.fixed_within)) != _SIZES:
            raise ValueError("its counters are malformed")
