"""A folder with concurrent readers and writers, killed writers, full and read-only disks."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import subprocess
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import IO

import pytest

from tag_compliance.errors import StorageRefused
from tag_compliance.storage.folder import MARKER, FolderStorage
from tag_compliance_tests.storage.conftest import data_of
from tag_compliance_tests.storage.writers import (
    WIDTH,
    count_up,
    write_and_wait,
    write_too_much,
)
from tag_compliance_tests.support.system import require


def _files(folder: Path) -> list[str]:
    """All but the file that marks the folder as a storage."""
    files = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return sorted(name for name in files if name != MARKER)


def _started(
    target: Callable[[Path, str, Connection], None], root: Path, name: str
) -> tuple[SpawnProcess, Connection]:
    """A writer in its own process, and what it is connected to."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    writer = context.Process(target=target, args=(root, name, theirs), daemon=True)
    writer.start()
    return writer, ours


def test_a_reader_never_gets_a_partly_written_object(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    complete = {b"%d" % n * 50_000 for n in range(10)}
    storage.write("a", b"0" * 50_000)
    done = threading.Event()
    partial: list[int] = []

    def read() -> None:
        while not done.is_set():
            stored = storage.read("a")
            if stored is None or stored.data not in complete:
                partial.append(len(stored.data) if stored else -1)

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(100):
        storage.write("a", b"%d" % (n % 10) * 50_000)
    done.set()
    reader.join()
    assert partial == []


def test_no_update_of_several_processes_is_lost(tmp_path: Path) -> None:
    processes, times = 4, 50
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(processes)
    workers = [
        context.Process(target=count_up, args=(tmp_path, times, start)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * processes
    assert (tmp_path / "n").read_text() == f"{processes * times:0{WIDTH}}"
    assert _files(tmp_path) == ["n"]


def test_an_update_detects_a_change_that_inode_size_and_time_do_not_show(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    path = tmp_path / "a"
    storage.write("a", b"one")
    seen: list[bytes | None] = []

    def decide(data: bytes | None) -> bytes:
        seen.append(data)
        if len(seen) == 1:  # two writes within one clock tick can leave inode, size and time equal
            before = path.stat()
            path.write_bytes(b"two")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return b"mine"

    assert storage.update("a", decide)
    assert seen == [b"one", b"two"]


@pytest.mark.parametrize("name", ["current.json", "tables/scan_config.json"])
def test_a_sweep_deletes_the_unfinished_file_of_a_killed_writer_but_not_of_a_live_one(
    tmp_path: Path, name: str
) -> None:
    storage = FolderStorage(tmp_path)
    storage.write("a", b"old")
    before = sorted(tmp_path.rglob("*"))
    writer, written = _started(write_and_wait, tmp_path, name)
    written.recv()
    assert storage.sweep() == 0
    assert len(_files(tmp_path)) == 2
    assert storage.names("") == ["a"]
    writer.kill()
    writer.join()
    assert storage.sweep() == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert data_of(storage, "a") == b"old"


@pytest.mark.parametrize("is_marked", [True, False])
def test_a_sweep_deletes_neither_foreign_files_nor_foreign_folders(
    is_marked: bool, tmp_path: Path
) -> None:
    storage = FolderStorage(tmp_path)
    if is_marked:
        storage.write("tables/a", b"own")
    random = "0123456789abcdef"
    for name in (
        ".DS_Store",
        f".current.json.{random[:-1]}F.unfinished",
        ".current.json.unfinished",
        "current.json.unfinished",
        f".thesis.{random}.unfinished",
        f"thesis/.current.json.{random}.unfinished",
        f"snapshots/.metrics.txt.{random}.unfinished",
        f"tables/.a b.{random}.unfinished",
        f"running/.notes.{random}.unfinished",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("foreign")
    (tmp_path / "empty" / "empty").mkdir(parents=True)
    (tmp_path / "tables" / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert storage.sweep() == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_with_other_content_is_not_written_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("foreign")
    storage = FolderStorage(tmp_path)
    for write in (storage.write, lambda name, data: storage.update(name, lambda _: data)):
        with pytest.raises(StorageRefused, match=r"it contains notes\.txt, which is not of"):
            write("current.json", b"")
    assert list(tmp_path.iterdir()) == [tmp_path / "notes.txt"]


@pytest.mark.parametrize(
    "there", ["lost+found/a", "dagster/dagster.yaml", "history/runs.db", "running/x", ""]
)
def test_a_new_file_system_and_a_home_of_dagster_can_become_the_storage(
    there: str, tmp_path: Path
) -> None:
    if there:
        (tmp_path / there).parent.mkdir()
        (tmp_path / there).write_text("")
    FolderStorage(tmp_path).write("current.json", b"{}")
    assert (tmp_path / MARKER).is_file()


@pytest.mark.parametrize(
    "objects",
    [("current.json", "snapshots/a"), ("tables/scan_config.json",), (f"{MARKER}",)],
)
def test_the_storage_of_any_version_is_written_though_there_are_foreign_files(
    objects: tuple[str, ...], tmp_path: Path
) -> None:
    for name in (*objects, "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    FolderStorage(tmp_path).write("a", b"x")
    assert (tmp_path / MARKER).is_file()


def test_a_writer_whose_file_is_swept_before_it_is_locked_creates_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FolderStorage(tmp_path)
    lock = fcntl.flock
    swept: list[None] = []

    def late(file: IO[bytes], operation: int) -> None:
        if operation == fcntl.LOCK_EX and not swept:
            swept.append(None)
            assert storage.sweep() == 1
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    storage.write("current.json", b"x")
    assert swept
    assert _files(tmp_path) == ["current.json"]


def test_concurrent_deletes_and_writes_in_one_folder_raise_no_error(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    refused: list[StorageRefused] = []
    done = threading.Event()

    def delete() -> None:
        while not done.is_set():
            try:
                storage.delete("folder/a")
                storage.names("")
                storage.sweep()
            except StorageRefused as error:
                refused.append(error)

    deleter = threading.Thread(target=delete, daemon=True)
    deleter.start()
    try:
        for _ in range(200):
            storage.write("folder/b", b"x")
            storage.delete("folder/b")
    finally:
        done.set()
        deleter.join()
    assert refused == []


def test_a_full_disk_is_an_error_and_the_old_object_stays(small_disk: Path) -> None:
    storage = FolderStorage(small_disk)
    storage.write("a", b"old")
    for write in (storage.write, lambda name, data: storage.update(name, lambda _: data)):
        with pytest.raises(StorageRefused, match=r"No space left .*; free some space") as caught:
            write("a", b"x" * 1_000_000)
        assert (caught.value.operation, caught.value.place) == ("write", str(small_disk / "a"))
    assert _files(small_disk) == ["a"]
    assert (small_disk / "a").read_bytes() == b"old"
    storage.write("a", b"new")


def test_a_read_only_disk_is_an_error_for_writes_only(small_disk: Path) -> None:
    storage = FolderStorage(small_disk)
    storage.write("a/b", b"old")
    subprocess.run([require("mount"), "-o", "remount,ro", str(small_disk)], check=True)
    advice = "Read-only file system; mount it writable"
    for name in ("a/b", "new/c"):
        with pytest.raises(StorageRefused, match=f"cannot write .*{advice}"):
            storage.write(name, b"new")
    with pytest.raises(StorageRefused, match=f"cannot delete .*{advice}"):
        storage.delete("a/b")
    assert storage.sweep() == 0
    assert data_of(storage, "a/b") == b"old"


def test_a_file_size_limit_is_an_error_and_the_old_object_stays(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    storage.write("a", b"old")
    writer, refused = _started(write_too_much, tmp_path, "a")
    assert refused.recv().startswith(f"cannot write {tmp_path}/a: File too large; ")
    writer.join()
    assert _files(tmp_path) == ["a"]
    assert data_of(storage, "a") == b"old"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_without_write_permission_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(StorageRefused, match="give this user access"):
        FolderStorage(tmp_path).write("a", b"x")


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_place_of_the_folder_is_an_error_for_writes(tmp_path: Path, below: str) -> None:
    (tmp_path / "state").write_text("not a folder")
    storage = FolderStorage(tmp_path / "state" / below)
    assert storage.names("") == []
    assert storage.sweep() == 0
    with pytest.raises(StorageRefused, match="a file is where a folder must be"):
        storage.write("a", b"x")
    assert (tmp_path / "state").read_text() == "not a folder"


@pytest.mark.parametrize("below", ["", "state"])
def test_a_link_to_a_missing_folder_is_an_error_for_writes(tmp_path: Path, below: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "unmounted")
    with pytest.raises(StorageRefused, match="a link leads to a missing folder"):
        FolderStorage(link / below).write("a", b"")


def test_a_folder_in_place_of_an_object_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(StorageRefused, match="cannot read"):
        FolderStorage(tmp_path).read("a")


def test_reads_and_deletes_do_not_create_the_folder(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path / "state")
    assert storage.read("a") is None
    assert storage.names("snapshots/") == []
    assert storage.sweep() == 0
    storage.delete("a")
    assert not (tmp_path / "state").exists()
