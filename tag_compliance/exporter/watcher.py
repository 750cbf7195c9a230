"""Looks for a new snapshot, and holds the last good one whatever becomes of the next.

Blind spot: that a file of the snapshot served has been altered, not deleted, is seen by nobody
until a restart reads it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from tag_compliance.errors import SnapshotUnreadable, StorageRefused
from tag_compliance.exporter.served import Served
from tag_compliance.logs import get_logger
from tag_compliance.snapshot.status import LastScan
from tag_compliance.snapshot.store import SnapshotStore

logger = get_logger(__name__)

_LONGEST_PAUSE_SECONDS = 10.0
_MISSING_SECONDS = 60.0
"""Between two looks at whether the files of the snapshot served are still there."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the newest poll brought nothing; `storage_answered` tells whose fault it is."""

    message: str
    storage_answered: bool


@dataclass(frozen=True, slots=True)
class State:
    """All that is known at one moment; replaced as a whole, so that no reader sees a mix."""

    served: Served | None = None
    last_scan: LastScan | None = None
    fault: Fault | None = None
    load_failures: int = 0
    missing: tuple[str, ...] = ()
    """Files of the snapshot served that are no longer in the storage."""


class Watcher:
    """Polls the store from one thread; `state` may be read from any."""

    def __init__(self, store: SnapshotStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._failures_in_a_row = 0
        self._not_before = 0.0
        self._missing_looked_at = 0.0
        self.state = State()

    def poll(self) -> None:
        """Brings `state` up to date. Never raises; after a failure it takes its time."""
        started = self._clock()
        if started < self._not_before:
            return
        before = self.state
        try:
            after = self._looked(before, started)
        except (SnapshotUnreadable, StorageRefused) as error:
            after = _failed(before, Fault(str(error), isinstance(error, SnapshotUnreadable)))
        except Exception as error:
            # Whatever it is, the last good snapshot is worth more than a clean death.
            logger.exception("poll failed unexpectedly")
            after = _failed(before, Fault(f"{type(error).__name__}: {error}", False))
        self.state = after
        self._pace(after, started)
        _tell(before, after, self._clock() - started)

    def _looked(self, before: State, now: float) -> State:
        served = before.served
        found = self._store.look(served.snapshot_id if served else None)
        if found.snapshot_id is None and served is not None:
            raise SnapshotUnreadable("", "the pointer to it has gone")
        if found.snapshot is not None:
            served = Served.of(found.snapshot)
        after = replace(before, served=served, last_scan=found.last_scan, fault=None)
        return replace(after, missing=self._missing(before, after, now))

    def _missing(self, before: State, after: State, now: float) -> tuple[str, ...]:
        if after.served is None or after.served is not before.served:
            self._missing_looked_at = now
            return ()
        if now - self._missing_looked_at < _MISSING_SECONDS:
            return before.missing
        self._missing_looked_at = now
        return self._store.missing(after.served.snapshot_id)

    def _pace(self, after: State, started: float) -> None:
        """A damaged snapshot of 64 MB is not read again every second."""
        self._failures_in_a_row = self._failures_in_a_row + 1 if after.fault else 0
        pause = min(0.1 * 2.0 ** min(self._failures_in_a_row, 10), _LONGEST_PAUSE_SECONDS)
        self._not_before = started + pause if after.fault else 0.0


def _failed(before: State, fault: Fault) -> State:
    return replace(before, fault=fault, load_failures=before.load_failures + 1)


def _tell(before: State, after: State, seconds: float) -> None:
    """Logs what changed: a fault that lasts is told once."""
    if after.fault and (before.fault is None or before.fault.message != after.fault.message):
        kept = before.served.snapshot_id if before.served else None
        logger.warning("snapshot not loaded", cause=after.fault.message, still_served=kept)
    if before.fault and not after.fault:
        logger.info("snapshot readable again")
    if after.served and after.served is not before.served:
        logger.info(
            "snapshot loaded",
            snapshot=after.served.snapshot_id,
            outcome=after.served.status.outcome,
            bytes=len(after.served.exposition.plain),
            seconds=round(seconds, 3),
        )
