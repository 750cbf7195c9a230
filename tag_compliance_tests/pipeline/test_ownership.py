"""Only this program's files are ever deleted, whatever else is in its storage."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tag_compliance.pipeline.housekeeping import JOB
from tag_compliance.storage.base import OWN_NAMES
from tag_compliance_tests.fake_aws import FakeAws
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.recorded_runs import make_older

_RANDOM = "0123456789abcdef"
_OLD_ID = "20200101T000000.000000Z"
_FOREIGN = (
    *(".DS_Store", "Thumbs.db", "notes.txt", "current.json.bak", "thesis.unfinished"),
    *(".git/HEAD", ".git/refs/x", "lost+found/x", "dagster/notes.txt"),
    *(f".thesis.{_RANDOM}.unfinished", f"thesis/.current.json.{_RANDOM}.unfinished"),
    *("snapshots/.DS_Store", "snapshots/notes.txt", "snapshots/backup/metrics.txt"),
    f"snapshots/{_OLD_ID}-0a1b2c.bak/metrics.txt",
    f"snapshots/{_OLD_ID}-0a1b2c/notes.txt",
    f"snapshots/{_OLD_ID}-XXXXXX/metrics.txt",
    *("tables/notes.txt", "tables/raw_resources/notes.parquet", "tables/findings/a/b.parquet"),
    *("tables/failed_readings/notes.parquet", f"tables/.a b.{_RANDOM}.unfinished"),
    *("running/notes.txt", f"running/.notes.{_RANDOM}.unfinished", f"running/{_RANDOM}/x"),
)
_EMPTY = ("empty/empty", "snapshots/empty", f"snapshots/{_OLD_ID}-ffffff", "tables/empty")


def _state_of(path: Path) -> tuple[int, int, bytes | str]:
    """What a person would notice: mode, time of the last change, content."""
    status = path.lstat()
    content: bytes | str = str(path.readlink()) if path.is_symlink() else b""
    if path.is_file() and not path.is_symlink():
        content = path.read_bytes()
    return status.st_mode, status.st_mtime_ns, content


def _fill(folder: Path, outside: Path) -> list[Path]:
    """Puts foreign files of every kind into the storage, all older than any limit."""
    outside.write_text("outside")
    files = [folder / name for name in _FOREIGN]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("foreign")
    for name in _EMPTY:
        (folder / name).mkdir(parents=True)
    links = [folder / "link", folder / "snapshots" / "link", folder / "running" / "link"]
    for link in links:
        link.symlink_to(outside)
    os.mkfifo(folder / "tables" / "pipe")
    long_ago = time.time() - 1e8
    for path in files:
        os.utime(path, (long_ago, long_ago))
    return [*files, *links, *(folder / name for name in _EMPTY), folder / "tables/pipe", outside]


def test_foreign_files_of_every_kind_are_unchanged_after_scans_retention_and_housekeeping(
    tmp_path: Path, idle: Pipeline, fake: FakeAws
) -> None:
    pipeline = idle
    pipeline.configure(retain_runs_days=14, retain_snapshots=1)
    old = pipeline.scan().run_id
    own = set(pipeline.storage.names(""))
    foreign = _fill(tmp_path / "state", tmp_path / "outside")
    before = {path: _state_of(path) for path in foreign}

    for _ in range(2):
        assert pipeline.scan().success
    make_older(idle.instance, old, timedelta(days=15))
    housekeeping = pipeline.definitions().resolve_job_def(JOB)
    assert housekeeping.execute_in_process(instance=idle.instance).success
    pipeline.storage.sweep()

    assert {path: _state_of(path) for path in foreign} == before
    assert not own <= set(pipeline.storage.names("")), "the old snapshot is deleted"


@pytest.mark.parametrize("unfinished", [True, False])
def test_what_killed_runs_left_is_deleted_by_housekeeping(
    unfinished: bool, tmp_path: Path, idle: Pipeline, fake: FakeAws
) -> None:
    pipeline = idle
    pipeline.scan()
    before = pipeline.storage.names("")
    assert all(map(OWN_NAMES.fullmatch, before)), "an unfinished file of each would be swept"
    for name in (*before, "running/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"):
        path = tmp_path / "state" / name
        if unfinished:
            path = path.with_name(f".{path.name}.{_RANDOM}.unfinished")
        elif path.exists():
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        os.utime(path, (0, 0))

    housekeeping = pipeline.definitions().resolve_job_def(JOB)
    assert housekeeping.execute_in_process(instance=idle.instance).success
    assert pipeline.storage.names("") == before
    assert not list((tmp_path / "state").rglob("*.unfinished"))
    assert not (tmp_path / "state" / "running").exists()
