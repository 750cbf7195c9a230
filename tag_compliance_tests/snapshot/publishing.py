"""Publishing and loading in tests, also with interruptions."""

from __future__ import annotations

from collections.abc import Callable

from tag_compliance.errors import StorageRefused
from tag_compliance.snapshot.store import Snapshot, SnapshotStore
from tag_compliance.storage.base import Storage
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage
from tag_compliance_tests.support.snapshots import exposition_of, status_of


def published(store: SnapshotStore, minute: int) -> str:
    """The id of a snapshot of the scan that started so many minutes after noon."""
    snapshot_id = store.publish(exposition_of(minute), status_of(minute))
    assert snapshot_id is not None
    return snapshot_id


def loaded(store: SnapshotStore) -> Snapshot:
    snapshot = store.load()
    assert snapshot is not None
    return snapshot


def ids_in(storage: Storage) -> list[str]:
    return sorted({name.split("/")[1] for name in storage.names("snapshots/")})


def interrupted(behind: Storage, change: int, act: Callable[[str], object]) -> SnapshotStore:
    """A store that calls `act` with the name before the change with this number, from 0."""
    changes = 0

    def before(operation: str, name: str) -> None:
        nonlocal changes
        if operation != "read":
            changes += 1
            if changes == change + 1:
                act(name)

    return SnapshotStore(InterceptedStorage(behind, before))


def refuse(name: str) -> None:
    raise StorageRefused(name, "write", "No space left on device", "free some space")
