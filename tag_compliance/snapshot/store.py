"""Where snapshots are published and read: immutable each, behind one pointer.

A reader that follows the pointer holds either the old snapshot or the new one, and can prove it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from tag_compliance.errors import SnapshotUnreadable
from tag_compliance.snapshot.appendable_gzip import compress
from tag_compliance.snapshot.files import (
    CURRENT,
    FOLDER,
    GZIP,
    MANIFEST,
    PLAIN,
    Current,
    Manifest,
    Piece,
    Pointer,
    moment_of,
    parse,
    path_of,
    sha256,
)
from tag_compliance.snapshot.status import LastScan, ScanStatus
from tag_compliance.storage.base import Storage, Stored


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
        manifest = Manifest(
            snapshot_id=snapshot_id,
            pieces={n: Piece(bytes=len(d), sha256=sha256(d)) for n, d in pieces.items()},
            status=status,
        ).model_dump_json()
        pointer = Pointer(
            snapshot_id=snapshot_id,
            scan_started_at=status.scan_started_at,
            manifest_sha256=sha256(manifest.encode()),
        )
        ended = LastScan(status.scan_started_at, status.made_at, status.outcome, status.failures)

        def unless_newer(data: bytes | None) -> bytes | None:
            there = _replaceable(data).snapshot
            if there is not None and there.scan_started_at > pointer.scan_started_at:
                return None
            return Current(snapshot=pointer, last_scan=ended).model_dump_json().encode()

        for name, data in {**pieces, MANIFEST: manifest.encode()}.items():
            self._storage.write(path_of(snapshot_id, name), data)
        if self._storage.update(CURRENT, unless_newer):
            return snapshot_id
        self._delete(snapshot_id)
        return None

    def record(self, ended: LastScan) -> None:
        """Notes how a scan ended that led to no snapshot, unless a later one has been noted."""

        def unless_newer(data: bytes | None) -> bytes | None:
            there = parse(Current, data, "", CURRENT) if data is not None else Current()
            if there.last_scan is not None and there.last_scan.started_at > ended.started_at:
                return None
            return there.model_copy(update={"last_scan": ended}).model_dump_json().encode()

        self._storage.update(CURRENT, unless_newer)

    def status(self) -> ScanStatus | None:
        """That of the current snapshot, from its manifest alone; None where none can be read."""
        try:
            pointer = self._current().snapshot
            if pointer is None:
                return None
            data = self._piece(pointer.snapshot_id, MANIFEST)
            return parse(Manifest, data, pointer.snapshot_id, MANIFEST).status
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
        names = set(self._storage.names(f"{FOLDER}/{snapshot_id}/"))
        return tuple(n for n in (MANIFEST, PLAIN, GZIP) if path_of(snapshot_id, n) not in names)

    def _proven_whole(self, pointer: Pointer) -> Snapshot:
        manifest_data = self._piece(pointer.snapshot_id, MANIFEST)
        if sha256(manifest_data) != pointer.manifest_sha256:
            raise SnapshotUnreadable(pointer.snapshot_id, f"{MANIFEST} has been altered")
        manifest = parse(Manifest, manifest_data, pointer.snapshot_id, MANIFEST)
        if manifest.snapshot_id != pointer.snapshot_id:
            raise SnapshotUnreadable(pointer.snapshot_id, f"{MANIFEST} is another snapshot's")
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
        for name in self._storage.names(f"{FOLDER}/"):
            _, snapshot_id, piece = name.split("/", 2)
            # By their times alone: two scans that share an account's data can be of one moment.
            if moment_of(snapshot_id) < moment_of(current):
                older.add(snapshot_id)
                if piece == MANIFEST:
                    complete.add(snapshot_id)
        # The current one is the first of the newest.
        kept = sorted(complete, reverse=True)[: max(0, newest - 1)]
        return sorted(older.difference(kept))

    def _delete(self, snapshot_id: str) -> None:
        # The manifest goes first: what is left if this dies half-way counts as unfinished.
        for name in (MANIFEST, PLAIN, GZIP):
            self._storage.delete(path_of(snapshot_id, name))

    def _current(self) -> Current:
        self._seen = self._storage.read(CURRENT, self._seen)
        return parse(Current, self._seen.data, "", CURRENT) if self._seen else Current()

    def _proven(self, manifest: Manifest, name: str) -> bytes:
        data = self._piece(manifest.snapshot_id, name)
        wanted = manifest.pieces.get(name)
        if wanted is None or sha256(data) != wanted.sha256:
            size = f"{len(data)} bytes, {wanted.bytes if wanted else 'none'} expected"
            raise SnapshotUnreadable(manifest.snapshot_id, f"{name} has been altered ({size})")
        return data

    def _piece(self, snapshot_id: str, name: str) -> bytes:
        stored = self._storage.read(path_of(snapshot_id, name))
        if stored is None:
            raise SnapshotUnreadable(snapshot_id, f"{name} is missing")
        return stored.data


def _replaceable(data: bytes | None) -> Current:
    """A damaged pointer holds nobody up from publishing a good one."""
    try:
        return parse(Current, data, "", CURRENT) if data is not None else Current()
    except SnapshotUnreadable:
        return Current()
