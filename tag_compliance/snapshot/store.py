"""Publishes and reads snapshots. Each is immutable; one pointer names the current one.

A reader that follows the pointer gets the old snapshot or the new one, never a mix, and verifies
that by hashes.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tag_compliance.domain.clock import is_ahead
from tag_compliance.errors import (
    InvalidExposition,
    NewerFormat,
    SnapshotUnreadable,
    StorageRefused,
)
from tag_compliance.snapshot import retention
from tag_compliance.snapshot.appendable_gzip import Appendable, compress
from tag_compliance.snapshot.layout import (
    CURRENT,
    DATABASE,
    GZIP,
    MANIFEST,
    MOMENT,
    PLAIN,
    Current,
    Manifest,
    Piece,
    Pointer,
    current_in,
    parse,
    path_of,
    piece_of,
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
    gzip: Appendable
    database: Piece | None = None
    """Size and hash of the findings database, which is not read; None if there is none."""


@dataclass(frozen=True, slots=True)
class Published:
    """The state of the store at one moment; `snapshot` is None before the first."""

    snapshot: Snapshot | None
    last_scan: LastScan | None


WriteDatabase = Callable[[str], Piece | None]
"""Called with the id of the snapshot that is being published."""

_DATABASES = 2
"""How many of the newest snapshots keep their findings database."""

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

    def publish(
        self,
        exposition: bytes,
        status: ScanStatus,
        after: str | None = ANY,
        write_database: WriteDatabase | None = None,
    ) -> str | None:
        """Makes this the current snapshot and records the end of the scan; returns the snapshot id.

        `after` is the `current_id` from before the numbers were collected. If another snapshot has
        been published since, it can have newer numbers: None is returned, and nothing is published.
        Without `after` this is so if the current snapshot is of a later scan.
        `write_database` writes the findings database and returns its size and hash, or None.
        After any failure the current snapshot is unchanged. Raises `InvalidExposition` for text
        that Prometheus would reject: it is never published. Raises `NewerFormat` if a newer version
        of this program has published.
        """
        if faults := faults_of(exposition):
            raise InvalidExposition(tuple(faults))
        snapshot_id = _new_id(status.scan_started_at, _pointer_in(self._pointer_data()))
        with contextlib.suppress(StorageRefused):  # publishing is worth more than cleaning up
            retention.delete_leftovers(self._storage, self.current_id())
        try:
            database = write_database(snapshot_id) if write_database else None
            manifest_sha256 = self._write(snapshot_id, exposition, database, status)
            replaced = self._replace(snapshot_id, manifest_sha256, status, after)
        except BaseException:
            with contextlib.suppress(StorageRefused):
                if self.current_id() != snapshot_id:  # an update can take effect and still fail
                    retention.delete_snapshot(self._storage, snapshot_id)
            raise
        if not replaced:
            with contextlib.suppress(StorageRefused):
                retention.delete_snapshot(self._storage, snapshot_id)
        return snapshot_id if replaced else None

    def _write(
        self, snapshot_id: str, exposition: bytes, database: Piece | None, status: ScanStatus
    ) -> str:
        """Writes the files of a snapshot, the manifest last; returns its hash."""
        pieces = {PLAIN: exposition, GZIP: compress(exposition)}
        described = {n: Piece(bytes=len(d), sha256=sha256(d)) for n, d in pieces.items()}
        if database is not None:
            described[DATABASE] = database
        manifest = Manifest(snapshot_id=snapshot_id, pieces=described, status=status)
        pieces[MANIFEST] = manifest.model_dump_json().encode()
        for name, data in pieces.items():
            self._storage.write(path_of(snapshot_id, name), data)
        return sha256(pieces[MANIFEST])

    def _replace(
        self, snapshot_id: str, manifest_sha256: str, status: ScanStatus, after: str | None
    ) -> bool:
        """Makes the snapshot the current one, unless another one is newer."""
        pointer = Pointer(
            snapshot_id=snapshot_id,
            scan_started_at=status.scan_started_at,
            manifest_sha256=manifest_sha256,
        )
        ended = LastScan(status.scan_started_at, status.made_at, status.outcome, status.failures)

        def unless_newer(data: bytes | None) -> bytes | None:
            if _is_newer(_pointer_in(data), pointer, after):
                return None
            return Current(snapshot=pointer, last_scan=ended).model_dump_json().encode()

        return self._storage.update(CURRENT, unless_newer)

    def record(self, ended: LastScan) -> None:
        """Records the end of a scan without a snapshot, unless a later scan is recorded."""

        def unless_newer(data: bytes | None) -> bytes | None:
            there = current_in(data)
            last = there.last_scan
            if last and last.started_at > ended.started_at and not is_ahead(last.started_at):
                return None
            return there.model_copy(update={"last_scan": ended}).model_dump_json().encode()

        self._storage.update(CURRENT, unless_newer)

    def current_id(self) -> str | None:
        """The id of the current snapshot, of which nothing else is read; None if there is none.

        A damaged pointer counts as none. Raises `NewerFormat`.
        """
        pointer = _pointer_in(self._pointer_data())
        return pointer.snapshot_id if pointer else None

    def status(self) -> ScanStatus | None:
        """The status in the current snapshot's manifest; None if it is missing or unreadable."""
        try:
            pointer = current_in(self._pointer_data()).snapshot
            return self._manifest(pointer.snapshot_id).status if pointer else None
        except SnapshotUnreadable:
            return None

    def load(self) -> Snapshot | None:
        """The current snapshot, verified; None before the first.

        Raises `SnapshotUnreadable` if a file is missing or altered.
        """
        return self.look().snapshot

    def look(self, known: Snapshot | None = None) -> Published:
        """The current snapshot and the last scan, both of one moment.

        Reads one object if `known` is still current. Raises `SnapshotUnreadable` as `load` does.
        """
        while True:
            current = current_in(self._pointer_data())
            pointer = current.snapshot
            if pointer is None:
                return Published(None, current.last_scan)
            if known is not None and known.snapshot_id == pointer.snapshot_id:
                return Published(known, current.last_scan)
            try:
                snapshot = self._verified(pointer.snapshot_id, pointer.manifest_sha256)
                return Published(snapshot, current.last_scan)
            except SnapshotUnreadable:
                # Retention can delete a snapshot that is being read, but only for a newer one.
                if current_in(self._pointer_data()).snapshot == pointer:
                    raise

    def newest_good(self, unreadable_id: str = "") -> Snapshot | None:
        """The newest other snapshot that can be read; None without any.

        Blind spot: only the pointer has the hash of a manifest, so these are not verified by one.
        """
        for snapshot_id in sorted(retention.pieces_of(self._storage), reverse=True):
            if snapshot_id != unreadable_id:
                with contextlib.suppress(SnapshotUnreadable, StorageRefused):
                    return self._verified(snapshot_id)
        return None

    def database(self, snapshot: Snapshot, copy: Callable[[], Path]) -> Path | None:
        """The verified findings database as a local file; None if the snapshot has none.

        A bucket's is copied to the path that `copy` returns. Raises `SnapshotUnreadable` if it is
        missing or altered.
        """
        if snapshot.database is None:
            return None
        path = self._storage.local_file(path_of(snapshot.snapshot_id, DATABASE), copy)
        if path is None:
            raise SnapshotUnreadable(snapshot.snapshot_id, f"{DATABASE} is missing")
        try:
            found = piece_of(path)
        except OSError as error:
            cause = f"{DATABASE} cannot be read: {error.strerror or error}"
            raise SnapshotUnreadable(snapshot.snapshot_id, cause) from error
        if found != snapshot.database:
            size = f"{found.bytes} bytes, {snapshot.database.bytes} expected"
            raise SnapshotUnreadable(snapshot.snapshot_id, f"{DATABASE} has been altered ({size})")
        return path

    def missing(self, snapshot_id: str) -> tuple[str, ...]:
        """The names of a snapshot's files that do not exist; none if they cannot be listed."""
        try:
            names = self._storage.names(path_of(snapshot_id, ""))
        except StorageRefused:  # in S3, reading objects does not require the permission to list
            return ()
        return tuple(n for n in (MANIFEST, PLAIN, GZIP) if path_of(snapshot_id, n) not in names)

    def retain(self, newest: int) -> int:
        """Deletes all but the newest snapshots, and the remains of killed writers.

        Returns the number of deleted snapshots. The current one always stays, and with a damaged
        pointer all complete ones do. Raises `NewerFormat`.
        """
        current = self.current_id()
        retention.delete_leftovers(self._storage, current)
        retention.delete_databases(self._storage, current, _DATABASES)
        return retention.delete_older(self._storage, current, newest)

    def _pointer_data(self) -> bytes | None:
        self._seen = self._storage.read(CURRENT, self._seen)
        return self._seen.data if self._seen else None

    def _verified(self, snapshot_id: str, manifest_sha256: str | None = None) -> Snapshot:
        manifest = self._manifest(snapshot_id, manifest_sha256)
        if manifest.snapshot_id != snapshot_id:
            raise SnapshotUnreadable(snapshot_id, f"{MANIFEST} is another snapshot's")
        plain, gzip = (self._verified_piece(manifest, name) for name in (PLAIN, GZIP))
        try:
            compressed = Appendable.of(gzip)
        except ValueError as error:
            raise SnapshotUnreadable(snapshot_id, f"{GZIP} is {error}") from error
        database = manifest.pieces.get(DATABASE)
        return Snapshot(snapshot_id, manifest.status, plain, compressed, database)

    def _manifest(self, snapshot_id: str, wanted_sha256: str | None = None) -> Manifest:
        data = self._piece(snapshot_id, MANIFEST)
        if wanted_sha256 not in {None, sha256(data)}:
            raise SnapshotUnreadable(snapshot_id, f"{MANIFEST} has been altered")
        return parse(Manifest, data, snapshot_id, MANIFEST)

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


def _new_id(started_at: datetime, current: Pointer | None) -> str:
    """Later than the current one's, also if the clock went back: retention deletes earlier ones."""
    before = retention.moment_of(current.snapshot_id) if current else None
    if before is not None and not is_ahead(before):
        started_at = max(started_at, before + timedelta(microseconds=1))
    return f"{started_at.astimezone(UTC):{MOMENT}}-{secrets.token_hex(3)}"


def _is_newer(there: Pointer | None, pointer: Pointer, after: str | None) -> bool:
    if after != ANY:
        return (there.snapshot_id if there else None) != after
    return there is not None and there.scan_started_at > pointer.scan_started_at


def _pointer_in(data: bytes | None) -> Pointer | None:
    """A damaged pointer does not prevent the publication of a good one. Raises `NewerFormat`."""
    try:
        return current_in(data).snapshot
    except NewerFormat:
        raise
    except SnapshotUnreadable:
        return None
