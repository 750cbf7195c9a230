"""A process that publishes to a folder; in its own module, so that it starts fast."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.snapshot.statuses import exposition_of, status_of


def publish_all(root: Path, minutes: Sequence[int], start: Barrier) -> None:
    """Publishes the scans of these minutes; after each one it deletes all but the newest."""
    store = SnapshotStore(FolderStorage(root))
    start.wait()
    for minute in minutes:
        store.publish(exposition_of(minute, 1000), status_of(minute))
        store.retain(1)
