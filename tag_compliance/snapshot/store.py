"""Where snapshots are published and read: immutable each, behind one pointer.

    current.json                       which snapshot is current, and how the newest scan ended
    snapshots/<id>/metrics.txt         the exposition
    snapshots/<id>/metrics.txt.gz      the same, compressed
    snapshots/<id>/snapshot.json       its state, and the size and SHA-256 of the two; written last

A reader that follows the pointer holds either the old snapshot or the new one, and can prove it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, ValidationError

from tag_compliance.errors import SnapshotUnreadable
from tag_compliance.snapshot.appendable_gzip import compress
from tag_compliance.snapshot.status import LastScan, ScanStatus
from tag_compliance.storage.base import Storage, Stored

FORMAT = 1
"""Of the files; a reader refuses a newer one, since it cannot know what changed."""

PLAIN, GZIP = "metrics.txt", "metrics.txt.gz"
_CURRENT, _MANIFEST = "current.json", "snapshot.json"
_FOLDER = "snapshots"

# It becomes a part of a path, wherever it was read.
_SnapshotId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,99}$")]

_FileT = TypeVar("_FileT", bound="_File")


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)
    format: int = FORMAT


class _Pointer(BaseModel):
    model_config = ConfigDict(frozen=True)
    snapshot_id: _SnapshotId
    scan_started_at: AwareDatetime
    manifest_sha256: str


class _Current(_File):
    snapshot: _Pointer | None = None
    last_scan: LastScan | None = None


class _Piece(BaseModel):
    bytes: int
    sha256: str


class _Manifest(_File):
    snapshot_id: _SnapshotId
    pieces: dict[str, _Piece]
    status: ScanStatus


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One published outcome, proven whole."""

    snapshot_id: str
    status: ScanStatus
    plain: bytes
    gzip: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """What a reader finds at one moment; the snapshot itself only where it is a new one."""

    snapshot_id: str | None
    snapshot: Snapshot | None
    last_scan: LastScan | None


class SnapshotStore:
    """Publishes for any number of processes at once, reads for any number."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._seen: Stored | None = None

    @property
    def uri(self) -> str:
        return self._storage.uri

    def publish(self, exposition: bytes, status: ScanStatus) -> str | None:
        """Makes this the current snapshot, notes the scan's end, and answers the snapshot's id.

        None where a snapshot of a later scan is current already: an older scan is never published
        over a newer one. On any failure the current snapshot stays as it was.
        """
        snapshot_id = f"{status.scan_started_at:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(3)}"
        pieces = {PLAIN: exposition, GZIP: compress(exposition)}
        manifest = _Manifest(
            snapshot_id=snapshot_id,
            pieces={n: _Piece(bytes=len(d), sha256=_sha256(d)) for n, d in pieces.items()},
            status=status,
        ).model_dump_json()
        pointer = _Pointer(
            snapshot_id=snapshot_id,
            scan_started_at=status.scan_started_at,
            manifest_sha256=_sha256(manifest.encode()),
        )
        ended = LastScan(status.scan_started_at, status.made_at, status.outcome, status.failures)

        def unless_newer(data: bytes | None) -> bytes | None:
            there = _replaceable(data).snapshot
            if there is not None and there.scan_started_at > pointer.scan_started_at:
                return None
            return _Current(snapshot=pointer, last_scan=ended).model_dump_json().encode()

        for name, data in {**pieces, _MANIFEST: manifest.encode()}.items():
            self._storage.write(_path(snapshot_id, name), data)
        if self._storage.update(_CURRENT, unless_newer):
            return snapshot_id
        self._delete(snapshot_id)
        return None

    def record(self, ended: LastScan) -> None:
        """Notes how a scan ended that led to no snapshot, unless a later one has been noted."""

        def unless_newer(data: bytes | None) -> bytes | None:
            there = _parse(_Current, data, "", _CURRENT) if data is not None else _Current()
            if there.last_scan is not None and there.last_scan.started_at > ended.started_at:
                return None
            return there.model_copy(update={"last_scan": ended}).model_dump_json().encode()

        self._storage.update(_CURRENT, unless_newer)

    def last_scan(self) -> LastScan | None:
        """How the newest scan ended; None before the first."""
        return self._current().last_scan

    def status(self) -> ScanStatus | None:
        """That of the current snapshot, from its manifest alone; None where none can be read."""
        try:
            pointer = self._current().snapshot
            if pointer is None:
                return None
            data = self._piece(pointer.snapshot_id, _MANIFEST)
            return _parse(_Manifest, data, pointer.snapshot_id, _MANIFEST).status
        except SnapshotUnreadable:
            return None

    def load(self, known: Snapshot | None = None) -> Snapshot | None:
        """The current snapshot, proven whole; None before the first; `known` where it still is.

        Raises `SnapshotUnreadable` where a piece is missing or not what it should be.
        """
        found = self.look(known.snapshot_id if known else None)
        return found.snapshot or (known if found.snapshot_id else None)

    def look(self, known_id: str | None = None) -> Published:
        """What `load` and `last_scan` answer, of one moment and for one read where nothing is new.

        Raises as `load` does.
        """
        while True:
            current = self._current()
            pointer, last_scan = current.snapshot, current.last_scan
            if pointer is None:
                return Published(None, None, last_scan)
            if pointer.snapshot_id == known_id:
                return Published(known_id, None, last_scan)
            try:
                return Published(pointer.snapshot_id, self._proven_whole(pointer), last_scan)
            except SnapshotUnreadable:
                # Retention may take a snapshot from under a reader, but only for a newer one.
                if self._current().snapshot == pointer:
                    raise

    def missing(self, snapshot_id: str) -> tuple[str, ...]:
        """Which files of a snapshot are gone; of those that are there nothing is read."""
        names = set(self._storage.names(f"{_FOLDER}/{snapshot_id}/"))
        return tuple(n for n in (_MANIFEST, PLAIN, GZIP) if _path(snapshot_id, n) not in names)

    def _proven_whole(self, pointer: _Pointer) -> Snapshot:
        manifest_data = self._piece(pointer.snapshot_id, _MANIFEST)
        if _sha256(manifest_data) != pointer.manifest_sha256:
            raise SnapshotUnreadable(pointer.snapshot_id, f"{_MANIFEST} has been altered")
        manifest = _parse(_Manifest, manifest_data, pointer.snapshot_id, _MANIFEST)
        if manifest.snapshot_id != pointer.snapshot_id:
            raise SnapshotUnreadable(pointer.snapshot_id, f"{_MANIFEST} is another snapshot's")
        data = {name: self._proven(manifest, name) for name in (PLAIN, GZIP)}
        return Snapshot(pointer.snapshot_id, manifest.status, data[PLAIN], data[GZIP])

    def retain(self, newest: int) -> int:
        """Deletes all but the newest snapshots, and what broken writers left; answers how many.

        The current one always stays, and so does what is as new: it may be about to become current.
        A snapshot older than the current one that lacks its manifest can never become it.
        """
        pointer = self._current().snapshot
        doomed = self._doomed(pointer.snapshot_id, newest) if pointer else []
        for snapshot_id in doomed:
            self._delete(snapshot_id)
        self._storage.sweep()
        return len(doomed)

    def _doomed(self, current: str, newest: int) -> list[str]:
        complete: set[str] = set()
        older: set[str] = set()
        for name in self._storage.names(f"{_FOLDER}/"):
            _, snapshot_id, piece = name.split("/", 2)
            # By their times alone: two scans that share an account's data can be of one moment.
            if _moment(snapshot_id) < _moment(current):
                older.add(snapshot_id)
                if piece == _MANIFEST:
                    complete.add(snapshot_id)
        # The current one is the first of the newest.
        kept = sorted(complete, reverse=True)[: max(0, newest - 1)]
        return sorted(older.difference(kept))

    def _delete(self, snapshot_id: str) -> None:
        # The manifest goes first: what is left if this dies half-way counts as unfinished.
        for name in (_MANIFEST, PLAIN, GZIP):
            self._storage.delete(_path(snapshot_id, name))

    def _current(self) -> _Current:
        self._seen = self._storage.read(_CURRENT, self._seen)
        return _parse(_Current, self._seen.data, "", _CURRENT) if self._seen else _Current()

    def _proven(self, manifest: _Manifest, name: str) -> bytes:
        data = self._piece(manifest.snapshot_id, name)
        wanted = manifest.pieces.get(name)
        if wanted is None or _sha256(data) != wanted.sha256:
            size = f"{len(data)} bytes, {wanted.bytes if wanted else 'none'} expected"
            raise SnapshotUnreadable(manifest.snapshot_id, f"{name} has been altered ({size})")
        return data

    def _piece(self, snapshot_id: str, name: str) -> bytes:
        stored = self._storage.read(_path(snapshot_id, name))
        if stored is None:
            raise SnapshotUnreadable(snapshot_id, f"{name} is missing")
        return stored.data


def _moment(snapshot_id: str) -> str:
    """When its scan started, in a form that sorts."""
    return snapshot_id.partition("-")[0]


def _path(snapshot_id: str, name: str) -> str:
    return f"{_FOLDER}/{snapshot_id}/{name}"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _parse(kind: type[_FileT], data: bytes, snapshot_id: str, name: str) -> _FileT:
    """The format is looked at first: what a newer one holds need not have this one's shape."""
    try:
        found = _File.model_validate_json(data).format
        if found > FORMAT:
            cause = f"{name} has format {found}, this program reads up to {FORMAT}; upgrade it"
            raise SnapshotUnreadable(snapshot_id, cause)
        return kind.model_validate_json(data)
    except ValidationError as error:
        cause = f"{name} has not the expected form"
        raise SnapshotUnreadable(snapshot_id, cause) from error


def _replaceable(data: bytes | None) -> _Current:
    """A damaged pointer holds nobody up from publishing a good one."""
    try:
        return _parse(_Current, data, "", _CURRENT) if data is not None else _Current()
    except SnapshotUnreadable:
        return _Current()
