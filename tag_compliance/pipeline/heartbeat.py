"""A sign of life from every run that scans, so that one whose process died is not waited for.

Dagster's default launcher cannot tell a run that goes on from one that was killed, and neither can
a process on another host. So each run touches an object in the storage while it lives.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import TagComplianceError
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.storage.base import Storage

logger = logging.getLogger(__name__)

BEAT_SECONDS = 20.0
SILENCE_MEANS_DEAD = timedelta(seconds=90)


class Heartbeat:
    """Beats while it is entered; asked from anywhere, it tells when a run was last alive."""

    def __init__(self, storage: Storage, run_id: str) -> None:
        self._storage = storage
        self._name = f"running/{run_id}"
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
        while True:
            try:
                self._storage.write(self._name, utc_now().isoformat().encode())
            except TagComplianceError as error:
                logger.debug("no heartbeat", extra={"fields": {"cause": str(error)}})
            if self._ended.wait(BEAT_SECONDS):
                return


class HeartbeatResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Beats from the start of a run to its end: the in-process executor makes resources once."""

    path: str

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["HeartbeatResource"]:
        """Without a run, or with a configuration that cannot be read, nothing beats."""
        with contextlib.ExitStack() as stack:
            if context.run is not None:
                with contextlib.suppress(TagComplianceError):
                    storage = ConfigurationResource(path=self.path).storage()
                    stack.enter_context(Heartbeat(storage, context.run.run_id).beating())
            yield self


def is_dead(record: dg.RunRecord, storage: Storage) -> bool:
    """Whether the run says that it goes on while nothing has been heard of it for too long."""
    if record.dagster_run.status is dg.DagsterRunStatus.QUEUED:
        return False
    asked = record.update_timestamp
    asked = asked if asked.tzinfo else asked.replace(tzinfo=UTC)
    last = Heartbeat(storage, record.dagster_run.run_id).last()
    return utc_now() - max(asked, last or asked) > SILENCE_MEANS_DEAD
