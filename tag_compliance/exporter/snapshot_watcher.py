"""Polls the storage for a new snapshot and keeps the last good one until a new one was verified.

Blind spot: a change to a file of the snapshot in memory goes unnoticed until a restart, when the
file is read and verified again. Only the removal of a file is noticed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from tag_compliance.errors import SnapshotUnreadable, TagComplianceError
from tag_compliance.logs import get_logger
from tag_compliance.snapshot.layout import CURRENT
from tag_compliance.snapshot.older import without_history
from tag_compliance.snapshot.status import LastScan
from tag_compliance.snapshot.store import Snapshot, SnapshotStore

logger = get_logger(__name__)

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 10.0
"""Between failed polls. It doubles, so that a damaged file of 64 MB is not read each second."""

_LONGEST_POLL_SECONDS = 60.0
"""A poll that takes longer is reported as a failure while it lasts."""

_MISSING_FILES_SECONDS = 60.0
"""Between checks whether the files of the snapshot in memory still exist."""


@dataclass(frozen=True, slots=True)
class PollFailure:
    """Why the newest poll failed; `storage_up` is False if the storage itself could not be read."""

    message: str
    storage_up: bool


@dataclass(frozen=True, slots=True)
class State:
    """What is known after a poll. Replaced as a whole, so that a reader never sees a mix.

    With a `failure`, `snapshot` is an older one than the newest. `missing_files` are those of
    `snapshot` that no longer exist in the storage.
    """

    snapshot: Snapshot | None = None
    last_scan: LastScan | None = None
    failure: PollFailure | None = None
    load_failures: int = 0
    missing_files: tuple[str, ...] = ()

    @property
    def version(self) -> tuple[str | None, datetime | None, PollFailure | None, tuple[str, ...]]:
        """Equal for states that show the same; does not keep the snapshot in memory."""
        return (
            self.snapshot.snapshot_id if self.snapshot else None,
            self.last_scan.ended_at if self.last_scan else None,
            self.failure,
            self.missing_files,
        )


class SnapshotWatcher:
    """`poll` is called from one thread; `state` may be read from any."""

    def __init__(self, store: SnapshotStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._pause_seconds = 0.0
        self._next_poll_at = 0.0
        self._missing_checked_at = 0.0
        self._polling_since: float | None = None
        self._polled = State()

    @property
    def state(self) -> State:
        """The result of the newest poll, with a failure if the current one takes too long."""
        state, since = self._polled, self._polling_since
        if since is None or self._clock() - since <= _LONGEST_POLL_SECONDS:
            return state
        message = f"the storage has not responded for more than {_LONGEST_POLL_SECONDS:.0f} s"
        return replace(state, failure=PollFailure(message, storage_up=False))

    def poll(self) -> None:
        """Updates `state`. Never raises; after a failure it waits before it reads again."""
        started = self._clock()
        if started < self._next_poll_at:
            return
        before, self._polling_since = self._polled, started
        try:
            self._polled = self._read(before, started)
            self._pause_seconds = 0.0
        except Exception as error:  # noqa: BLE001 - to serve the last good one matters most
            self._polled = self._failed(before, error)
            doubled = max(2 * self._pause_seconds, _FIRST_PAUSE_SECONDS)
            self._pause_seconds = min(doubled, _LONGEST_PAUSE_SECONDS)
        self._polling_since = None
        self._next_poll_at = started + self._pause_seconds
        _log_changes(before, self._polled, self._clock() - started)

    def _read(self, before: State, now: float) -> State:
        found = self._store.look(before.snapshot)
        if found.snapshot is None and (before.snapshot or self._store.newest_good()):
            found = self._store.look()  # the first snapshot can have been published meanwhile
            if found.snapshot is None:
                raise SnapshotUnreadable("", f"{CURRENT} no longer exists")
        after = State(found.snapshot, found.last_scan, None, before.load_failures)
        return replace(after, missing_files=self._missing_files(before, after, now))

    def _failed(self, before: State, error: Exception) -> State:
        if isinstance(error, TagComplianceError):
            failure = PollFailure(str(error), isinstance(error, SnapshotUnreadable))
        else:
            logger.error("poll failed unexpectedly", exc_info=error)
            failure = PollFailure(f"{type(error).__name__}: {error}", False)
        snapshot = before.snapshot
        if snapshot is None:
            with contextlib.suppress(Exception):  # the first error is the one to report
                older = self._store.newest_good(getattr(error, "snapshot_id", ""))
                snapshot = without_history(older) if older else None
        return replace(
            before, snapshot=snapshot, failure=failure, load_failures=before.load_failures + 1
        )

    def _missing_files(self, before: State, after: State, now: float) -> tuple[str, ...]:
        if after.snapshot is None or after.snapshot is not before.snapshot:
            self._missing_checked_at = now
            return ()
        if now - self._missing_checked_at < _MISSING_FILES_SECONDS:
            return before.missing_files
        self._missing_checked_at = now
        return self._store.missing(after.snapshot.snapshot_id)


def _log_changes(before: State, after: State, seconds: float) -> None:
    """Logs what changed. A failure that lasts is logged once."""
    old, new = before.failure, after.failure
    if new and (old is None or old.message != new.message):
        served = after.snapshot.snapshot_id if after.snapshot else None
        logger.warning("snapshot not loaded", cause=new.message, still_served=served)
    if old and not new:
        logger.info("snapshot readable again")
    if after.snapshot and after.snapshot is not before.snapshot:
        logger.info(
            "snapshot loaded",
            snapshot=after.snapshot.snapshot_id,
            outcome=after.snapshot.status.outcome,
            bytes=len(after.snapshot.plain),
            seconds=round(seconds, 3),
        )
