"""Polls the storage for a new snapshot and keeps the last good one until a new one was verified.

Blind spot: a change to a file of the snapshot in memory goes unnoticed until a restart, when the
file is read and verified again. Only the removal of a file is noticed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from tag_compliance.errors import SnapshotUnreadable, StorageRefused
from tag_compliance.exporter.loaded_snapshot import LoadedSnapshot
from tag_compliance.logs import get_logger
from tag_compliance.snapshot.layout import CURRENT
from tag_compliance.snapshot.status import LastScan
from tag_compliance.snapshot.store import SnapshotStore

logger = get_logger(__name__)

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 10.0
"""Between failed polls. It doubles, so that a damaged file of 64 MB is not read each second."""

_MISSING_FILES_SECONDS = 60.0
"""Between checks whether the files of the snapshot in memory still exist."""


@dataclass(frozen=True, slots=True)
class PollFailure:
    """Why the newest poll failed; `storage_up` is False if the storage itself could not be read."""

    message: str
    storage_up: bool


@dataclass(frozen=True, slots=True)
class State:
    """What is known after a poll. Replaced as a whole, so that a reader never sees a mix."""

    snapshot: LoadedSnapshot | None = None
    last_scan: LastScan | None = None
    failure: PollFailure | None = None
    load_failures: int = 0
    missing_files: tuple[str, ...] = ()
    """Files of `snapshot` that no longer exist in the storage."""


class SnapshotWatcher:
    """`poll` is called from one thread; `state` may be read from any."""

    def __init__(self, store: SnapshotStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._pause_seconds = 0.0
        self._next_poll_at = 0.0
        self._missing_checked_at = 0.0
        self.state = State()

    def poll(self) -> None:
        """Updates `state`. Never raises; after a failure it waits before it reads again."""
        started = self._clock()
        if started < self._next_poll_at:
            return
        before = self.state
        try:
            after = self._read(before, started)
        except (SnapshotUnreadable, StorageRefused) as error:
            after = _failed(before, PollFailure(str(error), isinstance(error, SnapshotUnreadable)))
        except Exception as error:
            # Serving the last good snapshot is worth more than stopping at an unexpected error.
            logger.exception("poll failed unexpectedly")
            after = _failed(before, PollFailure(f"{type(error).__name__}: {error}", False))
        self.state = after
        self._schedule(started, failed=after.failure is not None)
        _log_changes(before, after, self._clock() - started)

    def _read(self, before: State, now: float) -> State:
        snapshot = before.snapshot
        found = self._store.look(snapshot.snapshot_id if snapshot else None)
        if found.snapshot_id is None and snapshot is not None:
            raise SnapshotUnreadable("", f"{CURRENT} no longer exists")
        if found.snapshot is not None:
            snapshot = LoadedSnapshot.of(found.snapshot)
        after = replace(before, snapshot=snapshot, last_scan=found.last_scan, failure=None)
        return replace(after, missing_files=self._missing_files(before, after, now))

    def _missing_files(self, before: State, after: State, now: float) -> tuple[str, ...]:
        if after.snapshot is None or after.snapshot is not before.snapshot:
            self._missing_checked_at = now
            return ()
        if now - self._missing_checked_at < _MISSING_FILES_SECONDS:
            return before.missing_files
        self._missing_checked_at = now
        return self._store.missing(after.snapshot.snapshot_id)

    def _schedule(self, started: float, *, failed: bool) -> None:
        doubled = max(2 * self._pause_seconds, _FIRST_PAUSE_SECONDS)
        self._pause_seconds = min(doubled, _LONGEST_PAUSE_SECONDS) if failed else 0.0
        self._next_poll_at = started + self._pause_seconds


def _failed(before: State, failure: PollFailure) -> State:
    return replace(before, failure=failure, load_failures=before.load_failures + 1)


def _log_changes(before: State, after: State, seconds: float) -> None:
    """Logs what changed. A failure that lasts is logged once."""
    old, new = before.failure, after.failure
    if new and (old is None or old.message != new.message):
        served = before.snapshot.snapshot_id if before.snapshot else None
        logger.warning("snapshot not loaded", cause=new.message, still_served=served)
    if old and not new:
        logger.info("snapshot readable again")
    if after.snapshot and after.snapshot is not before.snapshot:
        logger.info(
            "snapshot loaded",
            snapshot=after.snapshot.snapshot_id,
            outcome=after.snapshot.status.outcome,
            bytes=len(after.snapshot.exposition.plain),
            seconds=round(seconds, 3),
        )
