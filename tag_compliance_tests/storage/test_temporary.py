from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tag_compliance.storage.temporary import LOCK, TemporaryFolder, sweep


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


_HOLDER = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from tag_compliance.storage.temporary import TemporaryFolder
folder = TemporaryFolder("findings")
(folder.path / "theirs").write_bytes(b"x")
print("ready", flush=True)
sys.stdin.read()
"""
"""A process that has a folder and waits."""


def test_the_folder_of_a_killed_process_is_deleted_and_that_of_a_running_one_stays(
    temporary: Path,
) -> None:
    with TemporaryFolder("demo") as mine:
        (mine.path / "mine").write_bytes(b"x")
        with subprocess.Popen(
            [sys.executable, "-c", _HOLDER, str(temporary)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            sweep()
            assert {path.name for path in temporary.glob("*/*")} == {LOCK, "mine", "theirs"}
            process.kill()
        sweep()
        assert {path.name for path in temporary.glob("*/*")} == {LOCK, "mine"}
    assert not [*temporary.iterdir()]


def test_a_process_that_needs_a_folder_deletes_those_of_killed_processes(temporary: Path) -> None:
    killed = temporary / "tag-compliance-demo-abcd_012"
    killed.mkdir()
    (killed / LOCK).touch()
    with TemporaryFolder("database") as folder:
        assert [*temporary.iterdir()] == [folder.path]


def test_only_this_user_can_read_the_folder() -> None:
    with TemporaryFolder("database") as folder:
        assert folder.path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("name", "lock"),
    [
        ("tag-compliance-demo-abcd_012", None),  # it is being created
        ("tag-compliance-demo-abcd", LOCK),
        ("tag-compliance-demo-abcd0123-mine", LOCK),
        ("tag-compliance-mine-abcd0123", LOCK),
        ("mine-tag-compliance-demo-abcd0123", LOCK),
    ],
)
def test_a_foreign_folder_stays(name: str, lock: str | None, temporary: Path) -> None:
    (temporary / name).mkdir()
    if lock:
        (temporary / name / lock).touch()
    sweep()
    assert (temporary / name).is_dir()


def test_links_are_not_followed(temporary: Path) -> None:
    target = temporary / "target"
    target.mkdir()
    (target / LOCK).touch()
    (temporary / "tag-compliance-demo-abcd0123").symlink_to(target)
    foreign = temporary / "foreign"
    foreign.touch()
    linked = temporary / "tag-compliance-demo-abcd4567"
    linked.mkdir()
    (linked / LOCK).symlink_to(foreign)
    sweep()
    assert (target / LOCK).exists()
    assert linked.is_dir()


def test_a_locked_folder_stays(temporary: Path) -> None:
    folder = temporary / "tag-compliance-rows-abcd0123"
    folder.mkdir()
    lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sweep()
        assert folder.is_dir()
    finally:
        os.close(lock)
    sweep()
    assert not folder.exists()
