"""The folder of the storage must be new, empty, or this program's."""

from __future__ import annotations

import os
import shutil

import pytest

from tag_compliance_tests.support.program import Program
from tag_compliance_tests.support.snapshots import FORMAT_1

_NO_PORTS = ("--port", "0", "--ui-port", "0")
_RULE = "must be a folder that is new, empty, or already the storage of this program, but contains "


@pytest.mark.parametrize("command", [("check-config",), ("scan",), ("up", *_NO_PORTS)])
@pytest.mark.parametrize("by_variable", [True, False])
def test_a_storage_with_other_content_is_rejected_and_nothing_is_written(
    by_variable: bool, command: tuple[str, ...], program: Program
) -> None:
    state = program.place.state
    for name in ("a", "b", "c", "d"):
        (state / name).mkdir(parents=True)
    if by_variable:
        os.environ["TAG_COMPLIANCE_STORAGE"] = str(state)
    key = "environment variable: TAG_COMPLIANCE_STORAGE" if by_variable else "config.yaml: storage"
    line = program.fails(2, *command)
    assert line.startswith(f"tag-compliance: {key} = '{str(state)[:40]}")
    assert line.endswith(f": {_RULE}a, b, c, …")
    assert sorted(path.name for path in state.rglob("*")) == ["a", "b", "c", "d"]


def test_the_storage_of_an_older_version_is_served_until_the_first_scan_replaces_its_snapshot(
    program: Program,
) -> None:
    shutil.copytree(FORMAT_1, program.place.state)
    older = program.published()
    assert older is not None
    assert program.run("check-config").code == 0
    assert program.scan().code == 0
    newer = program.published()
    assert newer is not None
    assert newer.snapshot_id != older.snapshot_id
    (program.place.state / "notes.txt").write_text("foreign")
    assert program.scan().code == 0, "the storage is marked as this program's now"
