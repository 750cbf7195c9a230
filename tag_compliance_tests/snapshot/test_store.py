"""Publishing and loading snapshots, with failures and with several processes."""

from __future__ import annotations

import gzip
import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest

from tag_compliance.domain.read_status import Outcome
from tag_compliance.errors import InvalidExposition, SnapshotUnreadable, StorageRefused
from tag_compliance.snapshot.status import LastScan
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
from tag_compliance_tests.support.snapshots import (
    NOON,
    exposition_of,
    failed_scan,
    publish_all,
    status_of,
)


def _failed(minute: int) -> LastScan:
    return failed_scan(NOON + timedelta(minutes=minute, seconds=20), "all denied")


def test_a_published_snapshot_is_loaded(store: SnapshotStore) -> None:
    snapshot_id = store.publish(exposition_of(0, 9), status_of())
    snapshot = loaded(store)
    assert (snapshot.snapshot_id, snapshot.status) == (snapshot_id, status_of())
    compressed = bytes(snapshot.gzip.body) + snapshot.gzip.tail(b"")
    assert snapshot.plain == gzip.decompress(compressed) == exposition_of(0, 9)


def test_an_empty_store_has_no_snapshot_and_no_last_scan(store: SnapshotStore) -> None:
    assert store.load() is None
    assert store.look().last_scan is None


def test_a_known_snapshot_is_read_again_only_after_a_newer_one_was_published(
    store: SnapshotStore,
) -> None:
    published(store, 0)
    known = loaded(store)
    assert store.look(known).snapshot is known
    newer = published(store, 1)
    snapshot = store.look(known).snapshot
    assert snapshot is not None
    assert (snapshot.snapshot_id, snapshot.plain) == (newer, exposition_of(1))


def test_an_older_scan_is_not_published_over_a_newer_one(
    store: SnapshotStore, storage: FolderStorage
) -> None:
    newer = published(store, 5)
    assert store.publish(exposition_of(4), status_of(4)) is None
    assert loaded(store).snapshot_id == newer
    assert ids_in(storage) == [newer]
    ended = store.look().last_scan
    assert ended is not None
    assert ended.started_at == NOON + timedelta(minutes=5)


def test_a_scan_with_a_snapshot_is_recorded_as_the_last_scan(store: SnapshotStore) -> None:
    status = status_of(3, outcome=Outcome.PARTIAL, failures=("one", "two"))
    store.publish(exposition_of(3), status)
    ended = LastScan(status.scan_started_at, status.made_at, Outcome.PARTIAL, ("one", "two"))
    assert store.look().last_scan == ended


def test_an_exposition_that_prometheus_rejects_is_not_published_and_the_last_good_one_stays(
    store: SnapshotStore, storage: FolderStorage
) -> None:
    good = published(store, 0)
    faulty = exposition_of(1) + b'scan{line="0"} 2\n'
    with pytest.raises(InvalidExposition, match=r'line 2 is a second sample of scan\{line="0"\}'):
        store.publish(faulty, status_of(1))
    assert loaded(store).snapshot_id == good
    assert ids_in(storage) == [good]


@pytest.mark.parametrize("published_before", [True, False])
def test_a_failed_scan_is_recorded_and_the_snapshot_stays(
    published_before: bool, store: SnapshotStore
) -> None:
    snapshot_id = published(store, 0) if published_before else None
    store.record(_failed(1))
    found = store.look()
    assert found.last_scan == _failed(1)
    assert (found.snapshot and found.snapshot.snapshot_id) == snapshot_id


def test_an_older_failed_scan_does_not_replace_the_record_of_a_newer_scan(
    store: SnapshotStore,
) -> None:
    store.record(_failed(2))
    store.record(_failed(1))
    assert store.look().last_scan == _failed(2)


def test_a_damaged_pointer_is_replaced_by_a_snapshot_but_not_by_a_failed_scan(
    store: SnapshotStore, storage: FolderStorage
) -> None:
    storage.write("current.json", b"{")
    with pytest.raises(SnapshotUnreadable):
        store.record(_failed(2))
    with pytest.raises(SnapshotUnreadable):
        store.load()
    snapshot_id = published(store, 0)
    assert loaded(store).snapshot_id == snapshot_id


@pytest.mark.parametrize("change", range(4))  # three files and the pointer
def test_a_publication_that_fails_at_any_write_deletes_what_it_wrote_and_keeps_the_previous_one(
    change: int, store: SnapshotStore, storage: FolderStorage
) -> None:
    previous = published(store, 0)
    with pytest.raises(StorageRefused):
        published(interrupted(storage, change, refuse), 1)
    assert loaded(store).snapshot_id == previous
    assert ids_in(storage) == [previous]


def test_a_snapshot_whose_pointer_was_replaced_stays_even_if_that_write_reported_an_error(
    store: SnapshotStore, tmp_path: Path
) -> None:
    class NotSynced(FolderStorage):
        def update(self, *arguments: object) -> bool:
            super().update(*arguments)  # type: ignore[arg-type]
            raise StorageRefused("current.json", "write", "Input/output error", "look at it")

    with pytest.raises(StorageRefused):
        published(SnapshotStore(NotSynced(tmp_path)), 1)
    assert loaded(store).plain == exposition_of(1)


@pytest.mark.parametrize("read", range(4))
def test_a_reader_whose_snapshot_is_replaced_and_deleted_loads_the_new_one(
    read: int, store: SnapshotStore, storage: FolderStorage
) -> None:
    published(store, 0)
    reads = 0

    def replace_meanwhile(_: str, __: str) -> None:
        nonlocal reads
        reads += 1
        if reads == read + 1:
            published(store, 1)
            store.retain(1)

    snapshot = loaded(SnapshotStore(InterceptedStorage(storage, replace_meanwhile)))
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
    assert loaded(store).status == status_of(processes * each - 1)
    store.retain(1)
    assert len(ids_in(storage)) == 1
