"""Processes that publish to one folder at once; their own module, so that they start fast."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.snapshot.statuses import status_of


def publish_all(root: Path, minutes: Sequence[int], start: Barrier) -> None:
    """Publishes the scans of these minutes, and after each keeps the newest snapshot alone."""
    store = SnapshotStore(FolderStorage(root))
    start.wait()
    for minute in minutes:
        store.publish(b"scan %d\n" % minute * 1000, status_of(minute))
        store.retain(1)
