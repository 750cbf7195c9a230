"""Polling for a new snapshot while files are damaged, missing or unreadable."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tag_compliance.errors import StorageRefused
from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher, State
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.base import Stored
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage
from tag_compliance_tests.support.snapshots import EXPOSITION, open_store, publish

NEWER = b"newer 1\n"


def _newest(folder: Path) -> Path:
    return max((folder / "snapshots").iterdir())


def _truncate(folder: Path) -> None:
    (_newest(folder) / "metrics.txt").write_bytes(NEWER[:3])


def _swap_whole(folder: Path) -> None:
    shutil.copytree(min((folder / "snapshots").iterdir()), _newest(folder), dirs_exist_ok=True)


def _delete_piece(folder: Path) -> None:
    (_newest(folder) / "metrics.txt").unlink()


def _delete(folder: Path) -> None:
    shutil.rmtree(_newest(folder))


def _alter_manifest(folder: Path) -> None:
    manifest = _newest(folder) / "snapshot.json"
    manifest.write_text(manifest.read_text().replace('"counted":4', '"counted":5'))


def _replace_by_folder(path: Path) -> None:
    # Root may read every file, but nobody can read a folder as a file.
    path.unlink()
    path.mkdir()


def _deny(folder: Path) -> None:
    _replace_by_folder(_newest(folder) / "metrics.txt")


def _deny_pointer(folder: Path) -> None:
    _replace_by_folder(folder / "current.json")


def _damage_pointer(folder: Path) -> None:
    (folder / "current.json").write_bytes(b'{"format":2,"snapshot":{"snap')


def _delete_pointer(folder: Path) -> None:
    (folder / "current.json").unlink()


_OF_SNAPSHOT = [
    (_truncate, "metrics.txt has been altered", True),
    (_swap_whole, "snapshot.json has been altered", True),
    (_delete_piece, "metrics.txt is missing", True),
    (_delete, "snapshot.json is missing", True),
    (_alter_manifest, "snapshot.json has been altered", True),
    (_deny, "Is a directory", False),
]
_OF_POINTER = [
    (_damage_pointer, "current.json is malformed", True),
    (_delete_pointer, "current.json no longer exists", True),
    (_deny_pointer, "Is a directory", False),
]


@pytest.fixture
def clock() -> Iterator[int]:
    """Seconds that pass so fast that no poll is left out."""
    return count(0, 100)


def _watch(folder: Path, clock: Iterator[int]) -> SnapshotWatcher:
    return SnapshotWatcher(open_store(folder), lambda: next(clock))


def _served(state: State) -> str:
    assert state.snapshot is not None
    return state.snapshot.snapshot_id


@pytest.mark.parametrize("restarted", [False, True])
def test_an_older_snapshot_is_served_after_a_restart_without_counters_of_the_history(
    tmp_path: Path, clock: Iterator[int], restarted: bool
) -> None:
    counter = b"# HELP tag_compliance_findings_opened_total Opened.\n"
    counter += b"# TYPE tag_compliance_findings_opened_total counter\n"
    counter += b'tag_compliance_findings_opened_total{rule="a"} 7\n'
    older = publish(tmp_path, EXPOSITION + counter)
    watcher = _watch(tmp_path, clock)
    watcher.poll()
    newest = publish(tmp_path, NEWER)
    (tmp_path / "snapshots" / newest / "metrics.txt").write_bytes(b"damaged")
    if restarted:
        watcher = _watch(tmp_path, clock)
    watcher.poll()
    assert watcher.state.snapshot is not None
    assert _served(watcher.state) == older
    assert watcher.state.snapshot.plain == EXPOSITION + (b"" if restarted else counter)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(("damage", "cause", "storage_up"), _OF_SNAPSHOT + _OF_POINTER)
def test_the_newest_good_snapshot_is_served_and_the_cause_reported_until_a_newer_one_is_good(
    tmp_path: Path,
    clock: Iterator[int],
    damage: Callable[[Path], None],
    cause: str,
    storage_up: bool,
    restarted: bool,
) -> None:
    publish(tmp_path, b"older 1\n")
    good = publish(tmp_path)
    watcher = _watch(tmp_path, clock)
    watcher.poll()
    newest = publish(tmp_path, NEWER)
    damage(tmp_path)
    if restarted:
        watcher = _watch(tmp_path, clock)
    for failures in (1, 2):
        watcher.poll()
        state = watcher.state
        is_damaged = (damage, cause, storage_up) in _OF_SNAPSHOT
        assert _served(state) == (good if is_damaged or not restarted else newest)
        assert state.failure is not None
        assert cause in state.failure.message
        assert state.failure.storage_up is storage_up
        assert state.load_failures == failures

    if (tmp_path / "current.json").is_dir():
        (tmp_path / "current.json").rmdir()
    repaired = publish(tmp_path)
    watcher.poll()
    assert (_served(watcher.state), watcher.state.failure) == (repaired, None)


def test_damaged_older_snapshots_are_not_served(tmp_path: Path, clock: Iterator[int]) -> None:
    ids = [publish(tmp_path, b"a %d\n" % number) for number in range(3)]
    for id_ in ids[1:]:
        (tmp_path / "snapshots" / id_ / "metrics.txt").write_bytes(b"a 7\n")
    watcher = _watch(tmp_path, clock)
    watcher.poll()
    assert _served(watcher.state) == ids[0]
    (tmp_path / "snapshots" / ids[0] / "snapshot.json").unlink()
    watcher = _watch(tmp_path, clock)
    watcher.poll()
    assert watcher.state.snapshot is None


def test_an_empty_folder_is_not_a_failure(tmp_path: Path, clock: Iterator[int]) -> None:
    watcher = _watch(tmp_path / "not yet there", clock)
    watcher.poll()
    assert watcher.state == State()


def test_an_unexpected_error_is_reported_and_polling_continues_with_the_last_good_snapshot(
    tmp_path: Path, clock: Iterator[int]
) -> None:
    surprises = iter([False] * 4 + [True])

    def before(*_: str) -> None:
        if next(surprises, False):
            raise RuntimeError("surprise")

    good = publish(tmp_path)
    storage = InterceptedStorage(FolderStorage(tmp_path), before)
    watcher = SnapshotWatcher(SnapshotStore(storage), lambda: next(clock))
    watcher.poll()
    watcher.poll()
    assert _served(watcher.state) == good
    assert watcher.state.failure is not None
    assert watcher.state.failure.message == "RuntimeError: surprise"
    watcher.poll()
    assert watcher.state.failure is None


def test_a_failure_that_lasts_is_logged_once_and_the_pause_between_polls_grows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path)
    _truncate(tmp_path)
    watcher = _watch(tmp_path, count())
    with caplog.at_level(logging.INFO):
        for _ in range(60):
            watcher.poll()
    assert watcher.state.load_failures < 15
    (message,) = caplog.messages
    assert message.startswith("snapshot not loaded cause=")


def test_a_poll_without_a_new_snapshot_reads_only_the_pointer(
    tmp_path: Path, clock: Iterator[int]
) -> None:
    publish(tmp_path)
    read: list[str] = []
    storage = InterceptedStorage(FolderStorage(tmp_path), lambda _, name: read.append(name))
    watcher = SnapshotWatcher(SnapshotStore(storage), lambda: 0.0)
    watcher.poll()
    read.clear()
    watcher.poll()
    assert read == ["current.json"]
    assert watcher.state.last_scan is not None


def test_deleted_files_of_the_served_snapshot_are_reported_within_a_minute(tmp_path: Path) -> None:
    publish(tmp_path)
    now = 0.0
    watcher = SnapshotWatcher(open_store(tmp_path), lambda: now)
    watcher.poll()
    _delete_piece(tmp_path)
    missing = []
    for now in (0.0, 61.0):  # noqa: B007 - the watcher's clock shows it
        watcher.poll()
        missing.append(watcher.state.missing_files)
    assert watcher.state.failure is None
    publish(tmp_path, NEWER)
    watcher.poll()
    assert [*missing, watcher.state.missing_files] == [(), ("metrics.txt",), ()]


def test_a_storage_that_refuses_to_list_its_objects_is_no_failure(
    tmp_path: Path, clock: Iterator[int]
) -> None:
    class ReadOnly(FolderStorage):
        def names(self, prefix: str, unchanged_seconds: float = 0.0) -> list[str]:
            raise StorageRefused(prefix, "list", "AccessDenied", "grant s3:ListBucket")

    publish(tmp_path)
    watcher = SnapshotWatcher(SnapshotStore(ReadOnly(tmp_path)), lambda: next(clock))
    for _ in range(3):
        watcher.poll()
    assert watcher.state.failure is None


def test_a_poll_that_does_not_end_is_reported_while_the_last_good_snapshot_is_served(
    tmp_path: Path,
) -> None:
    now = 0.0
    hangs = False
    during: list[State] = []

    def wait(*_: str) -> None:
        nonlocal now
        for seconds in (60, 1) if hangs else ():
            now += seconds
            during.append(watcher.state)

    good = publish(tmp_path)
    storage = InterceptedStorage(FolderStorage(tmp_path), wait)
    watcher = SnapshotWatcher(SnapshotStore(storage), lambda: now)
    watcher.poll()
    hangs = True
    watcher.poll()
    assert [state.failure and state.failure.storage_up for state in during[:2]] == [None, False]
    assert "not responded for more than 60 s" in str(during[1].failure)
    assert _served(during[1]) == good
    assert watcher.state.failure is None


def test_a_first_snapshot_that_is_published_during_a_poll_is_no_failure(tmp_path: Path) -> None:
    hidden = iter([True])

    class LatePointer(FolderStorage):
        def read(self, name: str, known: Stored | None = None) -> Stored | None:
            if name == "current.json" and next(hidden, False):
                return None
            return super().read(name, known)

    good = publish(tmp_path)
    watcher = SnapshotWatcher(SnapshotStore(LatePointer(tmp_path)))
    watcher.poll()
    assert (_served(watcher.state), watcher.state.failure) == (good, None)
