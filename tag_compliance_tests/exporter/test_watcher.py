"""Looking for a new snapshot while everything that can happen to files happens."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from tag_compliance.exporter.watcher import Watcher
from tag_compliance.snapshot.store import Published, SnapshotStore
from tag_compliance.storage.base import Stored
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.exporter.snapshots import EXPOSITION, open_store, publish

NEWER = b"# newer\n"


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
    manifest.write_text(manifest.read_text().replace('"resources":4', '"resources":5'))


def _deny(folder: Path) -> None:
    # As root nothing is denied; a folder in the place of a file is refused to everybody.
    piece = _newest(folder) / "metrics.txt"
    piece.unlink()
    piece.mkdir()


def _deny_pointer(folder: Path) -> None:
    (folder / "current.json").unlink()
    (folder / "current.json").mkdir()


def _damage_pointer(folder: Path) -> None:
    (folder / "current.json").write_bytes(b'{"format":1,"snapshot":{"snap')


def _empty_pointer(folder: Path) -> None:
    (folder / "current.json").write_bytes(b"")


def _delete_pointer(folder: Path) -> None:
    (folder / "current.json").unlink()


def _newer_format(folder: Path) -> None:
    pointer = json.loads((folder / "current.json").read_bytes())
    (folder / "current.json").write_text(json.dumps({**pointer, "format": 2}))


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
    (_delete_pointer, "the pointer to it has gone", True),
    (_newer_format, "current.json has format 2, this program reads up to 1", True),
    (_without_time_zone, "current.json is malformed", True),
    (_deny, "Is a directory", False),
    (_deny_pointer, "Is a directory", False),
]


@pytest.mark.parametrize(("damage", "cause", "storage_answered"), DAMAGE)
def test_the_last_good_snapshot_outlives_every_damage_to_the_next_and_the_cause_is_told(
    tmp_path: Path, damage: Callable[[Path], None], cause: str, storage_answered: bool
) -> None:
    good = publish(tmp_path)
    watcher = Watcher(open_store(tmp_path))
    watcher.poll()
    publish(tmp_path, NEWER)
    damage(tmp_path)

    watcher.poll()

    state = watcher.state
    assert state.served is not None
    assert state.fault is not None
    assert state.served.snapshot_id == good
    assert state.served.exposition.plain == EXPOSITION
    assert cause in state.fault.message
    assert state.fault.storage_answered is storage_answered
    assert state.load_failures == 1


@pytest.mark.parametrize(("damage", "cause", "storage_answered"), DAMAGE)
def test_a_good_snapshot_after_a_damaged_one_ends_the_fault(
    tmp_path: Path, damage: Callable[[Path], None], cause: str, storage_answered: bool
) -> None:
    publish(tmp_path)
    publish(tmp_path, NEWER)
    damage(tmp_path)
    clock = iter(range(0, 1000, 100))
    watcher = Watcher(open_store(tmp_path), lambda: next(clock))
    watcher.poll()
    if (tmp_path / "current.json").is_dir():
        (tmp_path / "current.json").rmdir()

    newest = publish(tmp_path, b"# newest\n")
    watcher.poll()

    assert watcher.state.served is not None
    assert watcher.state.served.snapshot_id == newest
    assert watcher.state.fault is None


def test_an_empty_folder_is_no_fault(tmp_path: Path) -> None:
    watcher = Watcher(open_store(tmp_path / "not yet there"))
    watcher.poll()
    assert watcher.state.served is None
    assert watcher.state.fault is None


def test_an_error_that_nobody_expected_costs_neither_the_snapshot_nor_the_watcher(
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
    watcher = Watcher(Surprising(FolderStorage(tmp_path)), lambda: next(clock))
    watcher.poll()
    watcher.poll()
    assert watcher.state.served is not None
    assert watcher.state.fault is not None
    assert watcher.state.fault.message == "RuntimeError: surprise"
    watcher.poll()
    assert watcher.state.fault is None


def test_a_fault_that_lasts_is_logged_once_and_read_ever_more_rarely(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path)
    _truncate(tmp_path)
    now = 0.0
    watcher = Watcher(open_store(tmp_path), lambda: now)
    with caplog.at_level(logging.INFO):
        for _ in range(60):
            watcher.poll()
            now += 1
    assert watcher.state.load_failures < 15
    (message,) = caplog.messages
    assert message.startswith("snapshot not loaded cause=")


def test_a_poll_that_finds_nothing_new_reads_the_pointer_once_and_nothing_else(
    tmp_path: Path,
) -> None:
    class Counting(FolderStorage):
        asked: ClassVar[list[str]] = []

        def read(self, name: str, known: Stored | None = None) -> Stored | None:
            self.asked.append(name)
            return super().read(name, known)

    publish(tmp_path)
    storage = Counting(tmp_path)
    watcher = Watcher(SnapshotStore(storage))
    watcher.poll()
    storage.asked.clear()
    watcher.poll()
    assert storage.asked == ["current.json"]
    assert watcher.state.last_scan is not None


def test_files_of_the_snapshot_served_that_are_gone_are_told_within_a_minute(
    tmp_path: Path,
) -> None:
    publish(tmp_path)
    now = 0.0
    watcher = Watcher(open_store(tmp_path), lambda: now)
    watcher.poll()
    _delete_piece(tmp_path)
    watcher.poll()
    assert not len(watcher.state.missing)
    now = 61.0
    watcher.poll()
    assert list(watcher.state.missing) == ["metrics.txt"]
    assert watcher.state.fault is None

    publish(tmp_path, NEWER)
    watcher.poll()
    assert not len(watcher.state.missing)
