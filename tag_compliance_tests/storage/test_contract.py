"""The promises of every storage."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tag_compliance.storage.base import Storage
from tag_compliance.storage.probe import probe
from tag_compliance_tests.storage.conftest import data_of
from tag_compliance_tests.support.waiting import eventually


def test_written_bytes_are_read_back(storage: Storage) -> None:
    for data in (b"one", b"", b"\x00\xff" * 100_000):
        storage.write("a/b.bin", data)
        assert data_of(storage, "a/b.bin") == data


def test_a_local_file_is_stored_with_its_content_and_replaces_an_object(
    storage: Storage, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    storage.write("snapshots/a", b"old")
    for data in (b"", b"\x00\xff" * 2_000_000):
        source.write_bytes(data)
        storage.write_file("snapshots/a", source)
        assert data_of(storage, "snapshots/a") == data
    assert storage.names("") == ["snapshots/a"]
    assert source.exists()


def test_an_object_is_available_as_a_local_file(storage: Storage, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert storage.local_file("snapshots/a", lambda: copy) is None
    for data in (b"", b"\x00\xff" * 2_000_000):
        storage.write("snapshots/a", data)
        path = storage.local_file("snapshots/a", lambda: copy)
        assert path is not None
        assert path.read_bytes() == data
    others = {file.name for file in tmp_path.iterdir()} - {"copy", "state"}
    assert not others


def test_the_probe_of_a_storage_leaves_it_as_it_was(storage: Storage) -> None:
    probe(storage)
    assert storage.names("") == []
    storage.write("tables/a", b"one")
    probe(storage)
    assert storage.names("") == ["tables/a"]


def test_a_missing_object_is_none(storage: Storage) -> None:
    assert storage.read("a/b") is None
    assert storage.names("") == []


def test_a_known_object_is_read_again_only_if_it_has_changed(storage: Storage) -> None:
    storage.write("a", b"one")
    known = storage.read("a")
    assert storage.read("a", known) is known
    storage.write("a", b"two")
    assert data_of(storage, "a", known) == b"two"
    storage.delete("a")
    assert storage.read("a", known) is None


def test_names_are_sorted_and_begin_with_the_prefix(storage: Storage) -> None:
    for name in ("b/2", "b/10", "a", "b/c/d", "bb/1"):
        storage.write(name, b"x")
    assert storage.names("b/") == ["b/10", "b/2", "b/c/d"]
    assert storage.names("") == ["a", "b/10", "b/2", "b/c/d", "bb/1"]


def test_names_can_be_limited_to_objects_that_have_not_changed_for_some_time(
    storage: Storage,
) -> None:
    storage.write("a", b"x")
    assert storage.names("", 3600) == []
    eventually(lambda: storage.names("", 0.1) == ["a"])


def test_a_deleted_object_is_gone_and_can_be_deleted_again(storage: Storage) -> None:
    storage.write("b/1", b"x")
    storage.write("b/2", b"x")
    for _ in range(2):
        storage.delete("b/1")
    assert storage.names("") == ["b/2"]
    storage.delete("b/2")
    storage.write("b/1", b"y")
    assert storage.names("") == ["b/1"]


def test_an_update_that_returns_none_leaves_the_object_as_it_is(storage: Storage) -> None:
    assert not storage.update("a", lambda _: None)
    assert storage.read("a") is None
    storage.write("a", b"x")
    assert not storage.update("a", lambda _: None)
    assert data_of(storage, "a") == b"x"


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (b"old bytes", b"other"),
        (b"old bytes", b"same size"),
        (b"old bytes", None),
        (None, b"first"),
    ],
)
def test_an_update_decides_again_if_another_writer_has_changed_the_object(
    storage: Storage, first: bytes | None, other: bytes | None
) -> None:
    if first is not None:
        storage.write("a", first)
    seen: list[bytes | None] = []

    def decide(data: bytes | None) -> bytes:
        seen.append(data)
        if len(seen) == 1:
            storage.delete("a") if other is None else storage.write("a", other)
        return b"mine"

    assert storage.update("a", decide)
    assert seen == [first, other]
    assert data_of(storage, "a") == b"mine"


def test_no_update_of_several_threads_is_lost(storage: Storage) -> None:
    start = threading.Barrier(4)

    def count() -> None:
        start.wait()
        for _ in range(5):
            assert storage.update("n", lambda data: b"%d" % (int(data or 0) + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert data_of(storage, "n") == b"20"


def test_a_sweep_deletes_no_written_object(storage: Storage) -> None:
    storage.write("a/b", b"x")
    assert storage.sweep() == 0
    assert storage.names("") == ["a/b"]
