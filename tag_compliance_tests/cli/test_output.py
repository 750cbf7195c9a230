"""The file that `--output` replaces: its access, its links, and what is tested before a scan."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tag_compliance.cli.options import Output
from tag_compliance.cli.output import check_output, write_result
from tag_compliance.errors import StorageRefused
from tag_compliance.snapshot.store import Snapshot
from tag_compliance_tests.support.snapshots import scan_status, snapshot_with


def snapshot() -> Snapshot:
    return snapshot_with(scan_status())


def write(path: Path) -> None:
    write_result(snapshot(), "state", Output(output=str(path), format=None, push=None))


def checked(path: Path) -> None:
    check_output(Output(output=str(path), format=None, push=None))


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_file_that_is_replaced_keeps_its_mode_owner_and_group(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "metrics.prom"
    path.write_text("old")
    path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(path, 4321, 4322)
    before = path.stat()
    write(path)
    after = path.stat()
    assert path.read_bytes() == snapshot().plain
    assert stat.S_IMODE(after.st_mode) == mode
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino, "it is replaced, not overwritten"


def test_an_owner_that_cannot_be_kept_does_not_stop_the_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError

    path = tmp_path / "metrics.prom"
    path.write_text("old")
    path.chmod(0o600)
    monkeypatch.setattr(os, "fchown", refuse)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_in_a_world_writable_folder_is_refused_before_the_scan(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    shared = tmp_path / "shared"
    shared.mkdir()
    link = shared / "metrics.prom"
    link.symlink_to(target)
    checked(link)
    shared.chmod(0o1777)
    for refused in (checked, write):
        with pytest.raises(StorageRefused, match="a link in a world-writable folder"):
            refused(link)
    assert target.read_text() == "old"
    assert link.is_symlink()


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    for name, other in ("a", "b"), ("b", "a"):
        (tmp_path / name).symlink_to(other)
    with pytest.raises(StorageRefused, match="too many links"):
        checked(tmp_path / "a")


def test_the_test_of_the_output_creates_nothing(tmp_path: Path) -> None:
    checked(tmp_path / "absent" / "metrics.prom")
    assert list(tmp_path.iterdir()) == []
