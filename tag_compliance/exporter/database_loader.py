"""Makes the findings database of the snapshot that is served available to queries.

It works on its own thread, so that metrics never wait for a database.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from tag_compliance.errors import FindingsUnavailable, TagComplianceError
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.local_copies import LocalCopies
from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher
from tag_compliance.logs import get_logger
from tag_compliance.snapshot.store import Snapshot, SnapshotStore

logger = get_logger(__name__)

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0
"""Between failed attempts. It doubles, so that a damaged file is not read each second."""

_NOTHING_YET = "no snapshot has been loaded yet"


class DatabaseLoader:
    """`poll` is called from one thread; `queries` may be read from any.

    A database is opened after its hash was verified. Until then, the previous one is served. If the
    database of the snapshot cannot be loaded, none is: the findings would not match the metrics.
    """

    def __init__(
        self,
        store: SnapshotStore,
        watcher: SnapshotWatcher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._watcher = watcher
        self._clock = clock
        self._copies = LocalCopies()
        self._copied: set[str] = set()
        self._snapshot_id: str | None = None
        self._retry_at = 0.0
        self._pause_seconds = 0.0
        self._loaded: FindingsQueries | str = _NOTHING_YET

    @property
    def queries(self) -> FindingsQueries:
        """The database that is served. Raises `FindingsUnavailable` with the reason."""
        loaded = self._loaded
        if isinstance(loaded, str):
            raise FindingsUnavailable(loaded)
        return loaded

    def is_loaded(self) -> bool:
        """Whether a database is served."""
        return not isinstance(self._loaded, str)

    def poll(self) -> None:
        """Loads the database of a new snapshot. Never raises; after a failure it waits."""
        snapshot = self._watcher.state.snapshot
        if snapshot is None:
            return
        is_new = snapshot.snapshot_id != self._snapshot_id
        if not is_new and (self._retry_at == 0.0 or self._clock() < self._retry_at):
            return
        self._snapshot_id = snapshot.snapshot_id
        self._pause_seconds = 0.0 if is_new else self._pause_seconds
        try:
            self._loaded = self._load(snapshot)
            self._retry_at = 0.0
        except (TagComplianceError, sqlite3.Error, OSError, KeyError) as error:
            self._failed(error)

    def close(self) -> None:
        """Deletes the copies."""
        self._copies.close()

    def _load(self, snapshot: Snapshot) -> FindingsQueries | str:
        started = self._clock()
        name = f"{snapshot.snapshot_id}.sqlite"
        # The copy that is in use stays: a query can still open it after the new one is loaded.
        self._copies.keep(self._copied)
        path = self._store.database(snapshot, lambda: self._copies.path(name))
        if path is None:
            return (
                f"the snapshot {snapshot.snapshot_id} has no findings database: it is turned off "
                "(`findings_database`), could not be written, or an older version has scanned"
            )
        queries = FindingsQueries(path)
        self._copied = {name}
        logger.info(
            "findings database loaded",
            snapshot=snapshot.snapshot_id,
            seconds=round(self._clock() - started, 3),
        )
        return queries

    def _failed(self, error: Exception) -> None:
        reason = f"the findings database cannot be loaded: {error}"
        if self._loaded != reason:
            logger.warning("findings database not loaded", cause=str(error))
        self._loaded = reason
        doubled = max(2 * self._pause_seconds, _FIRST_PAUSE_SECONDS)
        self._pause_seconds = min(doubled, _LONGEST_PAUSE_SECONDS)
        self._retry_at = self._clock() + self._pause_seconds
