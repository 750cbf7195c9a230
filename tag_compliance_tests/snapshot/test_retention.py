"""Which snapshots are deleted, also while others publish and after writers were killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import StorageRefused
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage
from tag_compliance_tests.snapshot.publishing import (
    ids_in,
    interrupted,
    loaded,
    published,
    refuse,
)
from tag_compliance_tests.support.snapshots import exposition_of, status_of


@pytest.mark.parametrize(("newest", "kept"), [(1, 1), (2, 2), (4, 4), (9, 5)])
def test_retention_keeps_the_newest_and_returns_how_many_it_deleted(
    newest: int, kept: int, store: SnapshotStore, storage: FolderStorage
) -> None:
    ids = [published(store, minute) for minute in range(5)]
    assert store.retain(newest) == len(ids) - kept
    assert ids_in(storage) == ids[-kept:]
    assert loaded(store).snapshot_id == ids[-1]


def test_an_empty_store_has_nothing_to_delete(store: SnapshotStore) -> None:
    assert store.retain(1) == 0


@pytest.mark.parametrize("change", range(4))
def test_the_next_retention_finishes_one_that_failed_at_any_delete(
    change: int, store: SnapshotStore, storage: FolderStorage
) -> None:
    for minute in range(3):
        current = published(store, minute)
    with pytest.raises(StorageRefused):
        interrupted(storage, change, refuse).retain(1)
    assert loaded(store).snapshot_id == current
    store.retain(1)
    assert ids_in(storage) == [current]


@pytest.mark.parametrize("before", [None, 0, 1])
@pytest.mark.parametrize("change", [1, 2, 3])
def test_retention_does_not_delete_a_snapshot_that_is_being_published(
    change: int, before: int | None, store: SnapshotStore, storage: FolderStorage
) -> None:
    for _ in range(8 if before == 1 else 1):  # the order of two ids of the same time is random
        if before is not None:
            published(store, before)
        publishing = interrupted(storage, change, lambda _: SnapshotStore(storage).retain(1))
        snapshot_id = published(publishing, 1)
        assert loaded(store).snapshot_id == snapshot_id


@pytest.mark.parametrize("change", [1, 2, 3])
@pytest.mark.parametrize("ahead", [timedelta(minutes=4), timedelta(hours=2)])
def test_retention_does_not_delete_the_next_snapshot_of_a_host_whose_clock_is_behind(
    change: int, ahead: timedelta, store: SnapshotStore, storage: FolderStorage
) -> None:
    now = utc_now()
    of_wrong_clock = replace(status_of(), scan_started_at=now + ahead, made_at=now + ahead)
    before = store.publish(exposition_of(0), of_wrong_clock)
    publishing = interrupted(storage, change, lambda _: SnapshotStore(storage).retain(1))
    status = replace(status_of(), scan_started_at=now, made_at=now)
    assert publishing.publish(exposition_of(1), status, before) is not None
    assert loaded(store).plain == exposition_of(1)


@pytest.mark.parametrize(
    "foreign",
    ["snapshots/.DS_Store", "snapshots/notes.txt", "snapshots/backup/metrics.txt", "notes.txt"],
)
def test_foreign_files_are_ignored_and_never_deleted(
    foreign: str, store: SnapshotStore, storage: FolderStorage
) -> None:
    storage.write(foreign, b"foreign")
    for minute in range(3):
        current = published(store, minute)
        store.retain(1)
    assert loaded(store).snapshot_id == current
    assert [name for name in storage.names("") if current not in name] == sorted(
        ["current.json", foreign]
    )


def test_marker_objects_of_folders_are_ignored(tmp_path: Path, storage: FolderStorage) -> None:
    class WithMarkers(FolderStorage):
        def names(self, prefix: str, unchanged_seconds: float = 0.0) -> list[str]:
            found = super().names(prefix, unchanged_seconds)
            return ["snapshots/", *(f"{name.rpartition('/')[0]}/" for name in found), *found]

    store = SnapshotStore(WithMarkers(tmp_path))
    for minute in range(3):
        current = published(store, minute)
        store.retain(1)
    assert ids_in(storage) == [current]


def _retain(store: SnapshotStore) -> object:
    return store.retain(9)


def _fail_to_publish(store: SnapshotStore) -> None:
    def full(operation: str, name: str) -> None:
        if operation == "write":
            refuse(name)

    with pytest.raises(StorageRefused):
        published(SnapshotStore(InterceptedStorage(store._storage, full)), 3)


@pytest.mark.parametrize("clean_up", [_retain, _fail_to_publish])
@pytest.mark.parametrize("files", [1, 2])
@pytest.mark.parametrize("current", [True, False])
def test_what_a_killed_publication_wrote_is_deleted_though_no_later_one_has_succeeded(
    current: bool,
    files: int,
    clean_up: Callable[[SnapshotStore], object],
    store: SnapshotStore,
    storage: FolderStorage,
    tmp_path: Path,
) -> None:
    good = [published(store, 0)] if current else []
    for name in ("metrics.txt", "metrics.txt.gz")[:files]:
        storage.write(f"snapshots/20260504T120100.000000Z-0b5c1e/{name}", b"x")
    clean_up(store)
    assert len(ids_in(storage)) == len(good) + 1, "the writer could still be alive"

    an_hour_ago = time.time() - 3601
    for path in tmp_path.glob("snapshots/*/*"):
        os.utime(path, (an_hour_ago, an_hour_ago))
    clean_up(store)
    assert ids_in(storage) == good
