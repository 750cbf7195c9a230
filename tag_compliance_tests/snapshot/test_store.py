"""Publishing and loading snapshots, with failures and with several processes."""

from __future__ import annotations

import gzip
import multiprocessing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tag_compliance.domain.read_status import Outcome
from tag_compliance.errors import InvalidExposition, SnapshotUnreadable, StorageRefused
from tag_compliance.snapshot.status import LastScan
from tag_compliance.snapshot.store import Snapshot, SnapshotStore
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage, failing_at
from tag_compliance_tests.snapshot.publishing import publish_all
from tag_compliance_tests.snapshot.statuses import NOON, exposition_of, status_of


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path)


@pytest.fixture
def store(storage: FolderStorage) -> SnapshotStore:
    return SnapshotStore(storage)


def _published(store: SnapshotStore, minute: int) -> str:
    snapshot_id = store.publish(exposition_of(minute), status_of(minute))
    assert snapshot_id is not None
    return snapshot_id


def _loaded(store: SnapshotStore) -> Snapshot:
    snapshot = store.load()
    assert snapshot is not None
    return snapshot


def _ids(storage: FolderStorage) -> list[str]:
    return sorted({name.split("/")[1] for name in storage.names("snapshots/")})


def test_a_published_snapshot_is_loaded(store: SnapshotStore) -> None:
    snapshot_id = store.publish(exposition_of(0, 9), status_of())
    snapshot = _loaded(store)
    assert snapshot.snapshot_id == snapshot_id
    assert snapshot.status == status_of()
    assert snapshot.plain == gzip.decompress(snapshot.gzip) == exposition_of(0, 9)


def test_an_empty_store_has_no_snapshot_and_no_last_scan(store: SnapshotStore) -> None:
    assert store.load() is None
    assert store.look().last_scan is None
    assert store.retain(1) == 0


def test_a_store_that_loaded_a_snapshot_before_loads_the_newest(store: SnapshotStore) -> None:
    for minute in range(3):
        _published(store, minute)
        assert _loaded(store).plain == exposition_of(minute)


def test_a_known_snapshot_that_is_still_current_is_not_read_again(store: SnapshotStore) -> None:
    _published(store, 0)
    known = _loaded(store)
    assert store.load(known) is known
    _published(store, 1)
    assert store.load(known) is not known


def test_an_older_scan_is_not_published_over_a_newer_one(
    store: SnapshotStore, storage: FolderStorage
) -> None:
    newer = _published(store, 5)
    assert store.publish(exposition_of(4), status_of(4)) is None
    assert _loaded(store).snapshot_id == newer
    assert _ids(storage) == [newer]
    ended = store.look().last_scan
    assert ended is not None
    assert ended.started_at == NOON + timedelta(minutes=5)


def test_a_scan_with_a_snapshot_is_recorded_as_the_last_scan(store: SnapshotStore) -> None:
    store.publish(exposition_of(3), replace(status_of(3, Outcome.PARTIAL), failures=("one", "two")))
    at = NOON + timedelta(minutes=3)
    ended = LastScan(at, at + timedelta(seconds=20), Outcome.PARTIAL, ("one", "two"))
    assert store.look().last_scan == ended


def test_an_exposition_that_prometheus_rejects_is_not_published_and_the_last_good_one_stays(
    store: SnapshotStore, storage: FolderStorage
) -> None:
    good = _published(store, 0)
    faulty = exposition_of(1) + b'scan{line="0"} 2\n'
    with pytest.raises(InvalidExposition, match=r'line 2 is a second sample of scan\{line="0"\}'):
        store.publish(faulty, status_of(1))
    assert _loaded(store).snapshot_id == good
    assert _ids(storage) == [good]


def _failed(minute: int) -> LastScan:
    at = NOON + timedelta(minutes=minute)
    return LastScan(at, at + timedelta(seconds=1), Outcome.NOTHING, ("all denied",))


def test_a_failed_scan_is_recorded_and_the_snapshot_stays(store: SnapshotStore) -> None:
    snapshot_id = _published(store, 0)
    store.record(_failed(1))
    assert store.look().last_scan == _failed(1)
    assert _loaded(store).snapshot_id == snapshot_id


def test_the_first_scan_can_be_a_failed_one(store: SnapshotStore) -> None:
    store.record(_failed(0))
    assert store.load() is None
    assert store.look().last_scan == _failed(0)


def test_an_older_failed_scan_does_not_replace_the_record_of_a_newer_scan(
    store: SnapshotStore,
) -> None:
    store.record(_failed(2))
    store.record(_failed(1))
    assert store.look().last_scan == _failed(2)


def test_a_failed_scan_does_not_replace_a_damaged_pointer(
    store: SnapshotStore, storage: FolderStorage
) -> None:
    storage.write("current.json", b"{")
    with pytest.raises(SnapshotUnreadable):
        store.record(_failed(2))
    assert [stored.data for stored in [storage.read("current.json")] if stored] == [b"{"]


def test_a_snapshot_replaces_a_damaged_pointer(
    store: SnapshotStore, storage: FolderStorage
) -> None:
    storage.write("current.json", b"{")
    snapshot_id = _published(store, 0)
    assert _loaded(store).snapshot_id == snapshot_id


_CHANGES = 4  # three files and the pointer


@pytest.mark.parametrize("change", range(_CHANGES + 1))
def test_a_publication_that_fails_at_any_write_leaves_the_previous_snapshot(
    change: int, store: SnapshotStore, storage: FolderStorage
) -> None:
    previous = _published(store, 0)
    broken = SnapshotStore(failing_at(storage, change))
    if change < _CHANGES:
        with pytest.raises(StorageRefused):
            broken.publish(exposition_of(1), status_of(1))
        assert _loaded(store).snapshot_id == previous
    else:
        assert _loaded(store).snapshot_id != broken.publish(exposition_of(1), status_of(1))
    final = _published(store, 2)
    store.retain(1)
    assert _ids(storage) == [final]


@pytest.mark.parametrize("change", range(4))
def test_the_next_retention_finishes_one_that_failed_at_any_delete(
    change: int, store: SnapshotStore, storage: FolderStorage
) -> None:
    for minute in range(3):
        current = _published(store, minute)
    with pytest.raises(StorageRefused):
        SnapshotStore(failing_at(storage, change)).retain(1)
    assert _loaded(store).snapshot_id == current
    store.retain(1)
    assert _ids(storage) == [current]


@pytest.mark.parametrize(("newest", "kept"), [(1, [4]), (2, [3, 4]), (4, [1, 2, 3, 4]), (9, None)])
def test_retention_keeps_the_newest_and_returns_how_many_it_deleted(
    newest: int, kept: list[int] | None, store: SnapshotStore, storage: FolderStorage
) -> None:
    ids = [_published(store, minute) for minute in range(5)]
    wanted = ids if kept is None else [ids[minute] for minute in kept]
    assert store.retain(newest) == len(ids) - len(wanted)
    assert _ids(storage) == wanted
    assert _loaded(store).snapshot_id == ids[-1]


@pytest.mark.parametrize("current", [True, False])
@pytest.mark.parametrize("change", [1, 2, 3])
def test_retention_does_not_delete_a_snapshot_that_is_being_published(
    change: int, current: bool, store: SnapshotStore, storage: FolderStorage
) -> None:
    if current:
        _published(store, 0)
    changes = 0

    def retain_meanwhile(operation: str, _: str) -> None:
        nonlocal changes
        if operation != "read":
            changes += 1
            if changes == change + 1:
                SnapshotStore(storage).retain(1)

    snapshot_id = _published(SnapshotStore(InterceptedStorage(storage, retain_meanwhile)), 1)
    assert _loaded(store).snapshot_id == snapshot_id


@pytest.mark.parametrize("change", [1, 2, 3])
def test_retention_does_not_delete_a_snapshot_of_the_same_time_that_is_being_published(
    change: int, store: SnapshotStore, storage: FolderStorage
) -> None:
    for _ in range(8):  # the order of the two ids is random
        _published(store, 0)
        changes = 0

        def retain_meanwhile(operation: str, _: str) -> None:
            nonlocal changes
            changes += operation != "read"
            if changes == change + 1:
                SnapshotStore(storage).retain(1)

        snapshot_id = _published(SnapshotStore(InterceptedStorage(storage, retain_meanwhile)), 0)
        assert _loaded(store).snapshot_id == snapshot_id


@pytest.mark.parametrize("read", range(4))
def test_a_reader_whose_snapshot_is_replaced_and_deleted_loads_the_new_one(
    read: int, store: SnapshotStore, storage: FolderStorage
) -> None:
    _published(store, 0)
    reads = 0

    def replace_meanwhile(_: str, __: str) -> None:
        nonlocal reads
        reads += 1
        if reads == read + 1:
            _published(store, 1)
            store.retain(1)

    snapshot = _loaded(SnapshotStore(InterceptedStorage(storage, replace_meanwhile)))
    assert snapshot.plain == exposition_of(1)


def test_after_several_processes_have_published_the_newest_scan_is_current(
    tmp_path: Path, store: SnapshotStore, storage: FolderStorage
) -> None:
    processes, each = 3, 12
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(processes + 1)
    workers = [
        context.Process(
            target=publish_all, args=(tmp_path, range(n, processes * each, processes), start)
        )
        for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    start.wait()
    seen = []
    while any(worker.is_alive() for worker in workers):
        snapshot = store.load()
        if snapshot is not None:
            minute = (snapshot.status.scan_started_at - NOON) // timedelta(minutes=1)
            assert snapshot.plain == exposition_of(minute, 1000)
            seen.append(minute)
    assert [worker.exitcode for worker in workers] == [0] * processes
    assert seen == sorted(seen)
    assert _loaded(store).status == status_of(processes * each - 1)
    store.retain(1)
    assert len(_ids(storage)) == 1
