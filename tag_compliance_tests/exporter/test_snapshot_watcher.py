"""Polling for a new snapshot while files are damaged, missing or unreadable."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher
from tag_compliance.snapshot.store import Published, SnapshotStore
from tag_compliance.storage.base import Stored
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.exporter.snapshots import EXPOSITION, open_store, publish

NEWER = b"newer 1\n"


def _newest(folder: Path) -> Path:
    return max((folder / "snapshots").iterdir())


def _truncate(folder: Path) -> None:
    (_newest(folder) / "metrics.txt").write_bytes(NEWER[:3])


def _empty(folder: Path) -> None:
    (_newest(folder) / "metrics.txt.gz").write_bytes(b"")


def _swap(folder: Path) -> None:
    shutil.copy(min((folder / "snapshots").iterdir()) / "metrics.txt", _newest(folder))


def _swap_whole(folder: Path) -> None:
    shutil.copytree(min((folder / "snapshots").iterdir()), _newest(folder), dirs_exist_ok=True)


def _delete_piece(folder: Path) -> None:
    (_newest(folder) / "metrics.txt").unlink()


def _point_to_nothing(folder: Path) -> None:
    shutil.rmtree(_newest(folder))


def _corrupt_manifest(folder: Path) -> None:
    manifest = _newest(folder) / "snapshot.json"
    manifest.write_text(manifest.read_text().replace('"counted":4', '"counted":5'))


def _deny(folder: Path) -> None:
    # Root may read every file, but nobody can read a folder as a file.
    piece = _newest(folder) / "metrics.txt"
    piece.unlink()
    piece.mkdir()


def _deny_pointer(folder: Path) -> None:
    (folder / "current.json").unlink()
    (folder / "current.json").mkdir()


def _damage_pointer(folder: Path) -> None:
    (folder / "current.json").write_bytes(b'{"format":2,"snapshot":{"snap')


def _empty_pointer(folder: Path) -> None:
    (folder / "current.json").write_bytes(b"")


def _delete_pointer(folder: Path) -> None:
    (folder / "current.json").unlink()


def _newer_format(folder: Path) -> None:
    pointer = json.loads((folder / "current.json").read_bytes())
    (folder / "current.json").write_text(json.dumps({**pointer, "format": 3}))


def _without_time_zone(folder: Path) -> None:
    pointer = json.loads((folder / "current.json").read_bytes())
    pointer["last_scan"]["ended_at"] = "2026-05-04T12:00:00"
    (folder / "current.json").write_text(json.dumps(pointer))


DAMAGE = [
    (_truncate, "metrics.txt has been altered", True),
    (_empty, "metrics.txt.gz has been altered", True),
    (_swap, "metrics.txt has been altered", True),
    (_swap_whole, "snapshot.json has been altered", True),
    (_delete_piece, "metrics.txt is missing", True),
    (_point_to_nothing, "snapshot.json is missing", True),
    (_corrupt_manifest, "snapshot.json has been altered", True),
    (_damage_pointer, "current.json is malformed", True),
    (_empty_pointer, "current.json is malformed", True),
    (_delete_pointer, "current.json no longer exists", True),
    (_newer_format, "current.json has format 3, this program reads up to 2", True),
    (_without_time_zone, "current.json is malformed", True),
    (_deny, "Is a directory", False),
    (_deny_pointer, "Is a directory", False),
]


@pytest.mark.parametrize(("damage", "cause", "storage_up"), DAMAGE)
def test_the_last_good_snapshot_is_kept_and_the_cause_reported_when_a_newer_one_is_damaged(
    tmp_path: Path, damage: Callable[[Path], None], cause: str, storage_up: bool
) -> None:
    good = publish(tmp_path)
    watcher = SnapshotWatcher(open_store(tmp_path))
    watcher.poll()
    publish(tmp_path, NEWER)
    damage(tmp_path)

    watcher.poll()

    state = watcher.state
    assert state.snapshot is not None
    assert state.failure is not None
    assert state.snapshot.snapshot_id == good
    assert state.snapshot.exposition.plain == EXPOSITION
    assert cause in state.failure.message
    assert state.failure.storage_up is storage_up
    assert state.load_failures == 1


@pytest.mark.parametrize("damage", [damage for damage, _, _ in DAMAGE])
def test_a_good_snapshot_after_a_damaged_one_ends_the_failure(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    publish(tmp_path)
    publish(tmp_path, NEWER)
    damage(tmp_path)
    clock = iter(range(0, 1000, 100))
    watcher = SnapshotWatcher(open_store(tmp_path), lambda: next(clock))
    watcher.poll()
    if (tmp_path / "current.json").is_dir():
        (tmp_path / "current.json").rmdir()

    newest = publish(tmp_path, b"newest 1\n")
    watcher.poll()

    assert watcher.state.snapshot is not None
    assert watcher.state.snapshot.snapshot_id == newest
    assert watcher.state.failure is None


def test_an_empty_folder_is_not_a_failure(tmp_path: Path) -> None:
    watcher = SnapshotWatcher(open_store(tmp_path / "not yet there"))
    watcher.poll()
    assert watcher.state.snapshot is None
    assert watcher.state.failure is None


def test_an_unexpected_error_is_reported_and_polling_continues_with_the_last_good_snapshot(
    tmp_path: Path,
) -> None:
    class Surprising(SnapshotStore):
        calls = 0

        def look(self, known_id: str | None = None) -> Published:
            self.calls += 1
            if self.calls == 2:
                raise RuntimeError("surprise")
            return super().look(known_id)

    publish(tmp_path)
    clock = iter(range(0, 1000, 100))
    watcher = SnapshotWatcher(Surprising(FolderStorage(tmp_path)), lambda: next(clock))
    watcher.poll()
    watcher.poll()
    assert watcher.state.snapshot is not None
    assert watcher.state.failure is not None
    assert watcher.state.failure.message == "RuntimeError: surprise"
    watcher.poll()
    assert watcher.state.failure is None


def test_a_failure_that_lasts_is_logged_once_and_the_pause_between_polls_grows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path)
    _truncate(tmp_path)
    now = 0.0
    watcher = SnapshotWatcher(open_store(tmp_path), lambda: now)
    with caplog.at_level(logging.INFO):
        for _ in range(60):
            watcher.poll()
            now += 1
    assert watcher.state.load_failures < 15
    (message,) = caplog.messages
    assert message.startswith("snapshot not loaded cause=")


def test_a_poll_without_a_new_snapshot_reads_only_the_pointer(
    tmp_path: Path,
) -> None:
    class Counting(FolderStorage):
        asked: ClassVar[list[str]] = []

        def read(self, name: str, known: Stored | None = None) -> Stored | None:
            self.asked.append(name)
            return super().read(name, known)

    publish(tmp_path)
    storage = Counting(tmp_path)
    watcher = SnapshotWatcher(SnapshotStore(storage))
    watcher.poll()
    storage.asked.clear()
    watcher.poll()
    assert storage.asked == ["current.json"]
    assert watcher.state.last_scan is not None


def test_deleted_files_of_the_served_snapshot_are_reported_within_a_minute(
    tmp_path: Path,
) -> None:
    publish(tmp_path)
    now = 0.0
    watcher = SnapshotWatcher(open_store(tmp_path), lambda: now)
    watcher.poll()
    _delete_piece(tmp_path)
    watcher.poll()
    assert not len(watcher.state.missing_files)
    now = 61.0
    watcher.poll()
    assert list(watcher.state.missing_files) == ["metrics.txt"]
    assert watcher.state.failure is None

    publish(tmp_path, NEWER)
    watcher.poll()
    assert not len(watcher.state.missing_files)
