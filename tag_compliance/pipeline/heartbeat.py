"""Heartbeats, by which other processes see that a run is still alive.

Dagster's default run launcher cannot distinguish a running run from one whose process was killed,
and neither can a process on another host. So each run that reads or publishes writes an object to
the storage at regular intervals while its process exists.
"""

import contextlib
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import TagComplianceError
from tag_compliance.logs import get_logger
from tag_compliance.storage.base import Storage

logger = get_logger(__name__)

HEARTBEATS = "running"
"""The folder of the heartbeats in the storage."""

HEARTBEAT_PATH = re.compile(rf"{HEARTBEATS}/[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")
"""The path of a heartbeat: a run's id is a UUID."""

_BEATS_PER_SILENCE = 4.5
_SILENCES_TO_DELETION = 10


class Heartbeats:
    """The heartbeats of all runs: a run without one for `silence_seconds` is dead."""

    def __init__(self, storage: Storage, silence_seconds: float) -> None:
        self._storage = storage
        self._silence = timedelta(seconds=silence_seconds)

    @contextlib.contextmanager
    def beating(self, run_id: str) -> Iterator[None]:
        """Writes heartbeats of the run, from a thread, until the block ends.

        If the storage cannot be written, the step that writes to it reports that.
        """
        ended = threading.Event()
        thread = threading.Thread(
            target=self._beat, args=(run_id, ended), name="heartbeat", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            with contextlib.suppress(TagComplianceError):
                self._storage.delete(_object_of(run_id))

    def _beat(self, run_id: str, ended: threading.Event) -> None:
        pause = self._silence.total_seconds() / _BEATS_PER_SILENCE
        while True:
            try:
                self._storage.write(_object_of(run_id), utc_now().isoformat().encode())
            except TagComplianceError as error:
                logger.debug("no heartbeat", cause=str(error))
            if ended.wait(pause):
                return

    def is_dead(self, instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
        """Whether Dagster shows the run as unfinished, but its process is gone.

        A run that has not started yet can wait for a long time: in the queue without limit, or for
        a pod as long as run monitoring allows.
        """
        status, patience = record.dagster_run.status, self._silence
        if status is dg.DagsterRunStatus.QUEUED:
            return False
        if status is dg.DagsterRunStatus.STARTING and instance.run_monitoring_enabled:
            start = timedelta(seconds=instance.run_monitoring_start_timeout_seconds)
            patience = max(patience, start)
        updated = record.update_timestamp
        updated = updated if updated.tzinfo else updated.replace(tzinfo=UTC)
        last = self._last(record.dagster_run.run_id)
        return utc_now() - max(updated, last or updated) > patience

    def sweep(self) -> int:
        """Deletes the heartbeats of runs that were killed long ago; returns their number."""
        silence = _SILENCES_TO_DELETION * self._silence.total_seconds()
        silent = self._storage.names(f"{HEARTBEATS}/", silence)
        dead = [name for name in silent if HEARTBEAT_PATH.fullmatch(name)]
        for name in dead:
            self._storage.delete(name)
        return len(dead)

    def _last(self, run_id: str) -> datetime | None:
        stored = self._storage.read(_object_of(run_id))
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(stored.data.decode()) if stored else None
        return None


def _object_of(run_id: str) -> str:
    return f"{HEARTBEATS}/{run_id}"
