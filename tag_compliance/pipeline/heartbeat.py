"""A sign of life from every run that scans, so that one whose process died is not waited for.

Dagster's default launcher cannot tell a run that goes on from one that was killed, and neither can
a process on another host. So each run touches an object in the storage while it lives.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import TagComplianceError
from tag_compliance.logs import get_logger
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.storage.base import Storage

logger = get_logger(__name__)

HEARTBEATS = "running"
"""The folder of the signs of life in the storage."""

_SILENCE_VARIABLE = "TAG_COMPLIANCE_SILENCE_SECONDS"
_SILENCE_SECONDS = 90.0
_BEATS_TO_MISS = 4.5


def silence_means_dead() -> timedelta:
    """How long nothing may be heard of a run, the same for all who beat and all who listen."""
    return timedelta(seconds=float(os.environ.get(_SILENCE_VARIABLE) or _SILENCE_SECONDS))


class Heartbeat:
    """Beats while it is entered; asked from anywhere, it tells when a run was last alive."""

    def __init__(self, storage: Storage, run_id: str) -> None:
        self._storage = storage
        self._name = f"{HEARTBEATS}/{run_id}"
        self._ended = threading.Event()

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """A storage that refuses is told by the step that needs it, not from here."""
        thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
            with contextlib.suppress(TagComplianceError):
                self._storage.delete(self._name)

    def last(self) -> datetime | None:
        """When the run was last alive; None where it never was, or has ended in order."""
        stored = self._storage.read(self._name)
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(stored.data.decode()) if stored else None
        return None

    def _beat(self) -> None:
        pause = silence_means_dead().total_seconds() / _BEATS_TO_MISS
        while True:
            try:
                self._storage.write(self._name, utc_now().isoformat().encode())
            except TagComplianceError as error:
                logger.debug("no heartbeat", cause=str(error))
            if self._ended.wait(pause):
                return


class HeartbeatResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Beats from the start of a run to its end: the in-process executor makes resources once."""

    configuration: dg.ResourceDependency[ConfigurationResource]

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["HeartbeatResource"]:
        """Without a run, or with a configuration that cannot be read, nothing beats."""
        with contextlib.ExitStack() as stack:
            if context.run is not None:
                with contextlib.suppress(TagComplianceError):
                    storage = self.configuration.storage()
                    stack.enter_context(Heartbeat(storage, context.run.run_id).beating())
            yield self


def is_dead(instance: dg.DagsterInstance, record: dg.RunRecord, storage: Storage) -> bool:
    """Whether the run says that it goes on while nothing has been heard of it for too long.

    One that has not started yet may be waiting for its place: in the queue for as long as it takes,
    or for a pod, which run monitoring gives so many seconds.
    """
    status, patience = record.dagster_run.status, silence_means_dead()
    if status is dg.DagsterRunStatus.QUEUED:
        return False
    if status is dg.DagsterRunStatus.STARTING and instance.run_monitoring_enabled:
        start = timedelta(seconds=instance.run_monitoring_start_timeout_seconds)
        patience = max(patience, start)
    asked = record.update_timestamp
    asked = asked if asked.tzinfo else asked.replace(tzinfo=UTC)
    last = Heartbeat(storage, record.dagster_run.run_id).last()
    return utc_now() - max(asked, last or asked) > patience
