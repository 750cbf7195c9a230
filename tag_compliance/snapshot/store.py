"""Publishes and reads snapshots. Each is immutable; one pointer names the current one.

A reader that follows the pointer gets the old snapshot or the new one, never a mix, and verifies
that by hashes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from tag_compliance.domain.clock import CLOCK_TOLERANCE, is_ahead, utc_now
from tag_compliance.errors import InvalidExposition, SnapshotUnreadable
from tag_compliance.snapshot.appendable_gzip import compress
from tag_compliance.snapshot.layout import (
    CURRENT,
    FOLDER,
    GZIP,
    MANIFEST,
    MOMENT,
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
from tag_compliance.snapshot.validate import faults_of
from tag_compliance.storage.base import Storage, Stored


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published snapshot whose files have been verified."""

    snapshot_id: str
    status: ScanStatus
    plain: bytes
    gzip: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """The state of the store at one moment; `snapshot` is None if the reader has it already."""

    snapshot_id: str | None
    snapshot: Snapshot | None
    last_scan: LastScan | None


ANY = "any"
"""Instead of a snapshot id: the start times of the scans decide which snapshot is newer."""


class SnapshotStore:
    """Any number of processes can publish and read at the same time."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._seen: Stored | None = None

    @property
    def uri(self) -> str:
        return self._storage.uri

    def publish(self, exposition: bytes, status: ScanStatus, after: str | None = ANY) -> str | None:
        """Makes this the current snapshot and records the end of the scan; returns the snapshot id.

        `after` is the `current_id` from before the numbers were collected. If another snapshot has
        been published since, it can have newer numbers: None is returned, and nothing is published.
        Without `after` this is so if the current snapshot is of a later scan.
        After any failure the current snapshot is unchanged. Raises `InvalidExposition` for text
        that Prometheus would reject: it is never published.
        """
        if faults := faults_of(exposition):
            raise InvalidExposition(tuple(faults))
        snapshot_id = f"{status.scan_started_at:{MOMENT}}-{secrets.token_hex(3)}"
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
            if after != ANY:
                is_newer = (there.snapshot_id if there else None) != after
            else:
                is_newer = there is not None and there.scan_started_at > pointer.scan_started_at
            if is_newer:
                return None
            return Current(snapshot=pointer, last_scan=ended).model_dump_json().encode()

        for name, data in {**pieces, MANIFEST: manifest.encode()}.items():
            self._storage.write(path_of(snapshot_id, name), data)
        if self._storage.update(CURRENT, unless_newer):
            return snapshot_id
        self._delete(snapshot_id)
        return None

    def record(self, ended: LastScan) -> None:
        """Records the end of a scan without a snapshot, unless a later scan is recorded."""

        def unless_newer(data: bytes | None) -> bytes | None:
            there = parse(Current, data, "", CURRENT) if data is not None else Current()
            last = there.last_scan
            if last and last.started_at > ended.started_at and not is_ahead(last.started_at):
                return None
            return there.model_copy(update={"last_scan": ended}).model_dump_json().encode()

        self._storage.update(CURRENT, unless_newer)

    def current_id(self) -> str | None:
        """The id of the current snapshot, of which nothing else is read; None if there is none."""
        stored = self._storage.read(CURRENT)
        pointer = _replaceable(stored.data if stored else None).snapshot
        return pointer.snapshot_id if pointer else None

    def status(self) -> ScanStatus | None:
        """The status in the current snapshot's manifest; None if it is missing or unreadable."""
        try:
            pointer = self._current().snapshot
            if pointer is None:
                return None
            data = self._piece(pointer.snapshot_id, MANIFEST)
            return parse(Manifest, data, pointer.snapshot_id, MANIFEST).status
        except SnapshotUnreadable:
            return None

    def load(self, known: Snapshot | None = None) -> Snapshot | None:
        """The current snapshot, verified; `known` itself if it is current; None before the first.

        Raises `SnapshotUnreadable` if a file is missing or altered.
        """
        found = self.look(known.snapshot_id if known else None)
        return found.snapshot or (known if found.snapshot_id else None)

    def look(self, known_id: str | None = None) -> Published:
        """The current snapshot and the last scan, both of one moment.

        Reads one object if `known_id` is still current. Raises `SnapshotUnreadable` as `load` does.
        """
        while True:
            current = self._current()
            pointer, last_scan = current.snapshot, current.last_scan
            if pointer is None:
                return Published(None, None, last_scan)
            if pointer.snapshot_id == known_id:
                return Published(known_id, None, last_scan)
            try:
                return Published(pointer.snapshot_id, self._verified(pointer), last_scan)
            except SnapshotUnreadable:
                # Retention can delete a snapshot that is being read, but only for a newer one.
                if self._current().snapshot == pointer:
                    raise

    def missing(self, snapshot_id: str) -> tuple[str, ...]:
        """The names of a snapshot's files that do not exist; reads none of them."""
        names = set(self._storage.names(f"{FOLDER}/{snapshot_id}/"))
        return tuple(n for n in (MANIFEST, PLAIN, GZIP) if path_of(snapshot_id, n) not in names)

    def _verified(self, pointer: Pointer) -> Snapshot:
        manifest_data = self._piece(pointer.snapshot_id, MANIFEST)
        if sha256(manifest_data) != pointer.manifest_sha256:
            raise SnapshotUnreadable(pointer.snapshot_id, f"{MANIFEST} has been altered")
        manifest = parse(Manifest, manifest_data, pointer.snapshot_id, MANIFEST)
        if manifest.snapshot_id != pointer.snapshot_id:
            raise SnapshotUnreadable(pointer.snapshot_id, f"{MANIFEST} is another snapshot's")
        data = {name: self._verified_piece(manifest, name) for name in (PLAIN, GZIP)}
        return Snapshot(pointer.snapshot_id, manifest.status, data[PLAIN], data[GZIP])

    def retain(self, newest: int) -> int:
        """Deletes all but the newest snapshots, and the remains of failed writers.

        Returns the number of deleted snapshots. The current one always stays, and so do snapshots
        of the same time or later, which may be about to become current, unless their time is ahead
        of now. A snapshot that is older than the current one and has no manifest cannot become
        current any more.
        """
        pointer = self._current().snapshot
        deletable = self._deletable(pointer.snapshot_id, newest) if pointer else []
        for snapshot_id in deletable:
            self._delete(snapshot_id)
        self._storage.sweep()
        return len(deletable)

    def _deletable(self, current: str, newest: int) -> list[str]:
        complete: set[str] = set()
        older: set[str] = set()
        ahead = f"{utc_now() + CLOCK_TOLERANCE:{MOMENT}}"
        for name in self._storage.names(f"{FOLDER}/"):
            _, snapshot_id, piece = name.split("/", 2)
            # Compares only the times: two scans that share an account's data can have the same one.
            if moment_of(snapshot_id) < moment_of(current):
                older.add(snapshot_id)
                if piece == MANIFEST:
                    complete.add(snapshot_id)
            elif moment_of(snapshot_id) > ahead and snapshot_id != current:
                older.add(snapshot_id)
        # The current snapshot is the first of the newest.
        kept = sorted(complete, reverse=True)[: max(0, newest - 1)]
        return sorted(older.difference(kept))

    def _delete(self, snapshot_id: str) -> None:
        # The manifest first: without it, the rest counts as unfinished if this process dies here.
        for name in (MANIFEST, PLAIN, GZIP):
            self._storage.delete(path_of(snapshot_id, name))

    def _current(self) -> Current:
        self._seen = self._storage.read(CURRENT, self._seen)
        return parse(Current, self._seen.data, "", CURRENT) if self._seen else Current()

    def _verified_piece(self, manifest: Manifest, name: str) -> bytes:
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
    """A damaged pointer does not prevent the publication of a good one."""
    try:
        return parse(Current, data, "", CURRENT) if data is not None else Current()
    except SnapshotUnreadable:
        return Current()
