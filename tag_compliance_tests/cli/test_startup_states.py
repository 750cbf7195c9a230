"""Half-created, damaged, foreign and newer states of the storage: one line each, no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tag_compliance.cli.dagster_home import locked
from tag_compliance_tests.exporter.running import Answer, Exporter, run_in_thread
from tag_compliance_tests.support.program import Program, error_lines
from tag_compliance_tests.support.waiting import eventually

UP = ("up", "--port", "0", "--ui-port", "0")


def _write(name: str, data: bytes) -> Callable[[Path], object]:
    def write(state: Path) -> None:
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_bytes(data)

    return write


def _damage_snapshots(state: Path) -> None:
    for path in (state / "snapshots").glob("*/*"):
        path.write_bytes(b"?")


def _damage_everything(state: Path) -> None:
    for path in [*(state / "tables").rglob("*.*"), state / "current.json"]:
        path.write_bytes(b"\xff\x00{")
    _damage_snapshots(state)


def _newer_pointer(state: Path) -> None:
    (state / "current.json").write_text(json.dumps({"format": 7, "snapshot": "elsewhere"}))


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


DAMAGES: dict[str, Callable[[Path], object]] = {
    "pointer": _write("current.json", b"{"),
    "empty pointer": _write("current.json", b""),
    "snapshots": _damage_snapshots,
    "configuration": _write("tables/scan_config.json", b"{"),
    "times": _write("tables/scan_times.json", b'{"started_at": "2026-05-04T12:00:00"}'),
    "number of runs": _write("tables/reading_runs", b"\xff"),
    "marker": _write("tag-compliance.txt", b""),
    "table": _write("tables/findings/100000000000.parquet", b"PAR1"),
    "failed reading": _write("tables/failed_readings/100000000000.json", b"[]"),
    "everything": _damage_everything,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_scan_replaces_what_is_damaged(
    damage: Callable[[Path], object], program: Program
) -> None:
    before = program.scan()
    damage(program.place.state)
    after = program.scan()
    assert (before.code, after.code) == (0, 0)
    assert "Traceback" not in after.err
    assert error_lines(after.err) == []
    published = program.published()
    assert published is not None
    assert published.status.counts.counted == 180


def test_a_storage_of_a_newer_version_is_reported_and_stays_as_it_is(program: Program) -> None:
    program.scan()
    _newer_pointer(program.place.state)
    before = _contents(program.place.state)
    assert program.fails(1, "scan").endswith(
        "current.json has format 7, this program reads up to 2; upgrade it"
    )
    kept = _contents(program.place.state)
    assert {name: kept[name] for name in before if "scan_config" not in name} == {
        name: data for name, data in before.items() if "scan_config" not in name
    }


@pytest.mark.parametrize("command", [("scan",), UP])
def test_a_folder_with_other_content_is_reported_and_stays_as_it_is(
    command: tuple[str, ...], program: Program
) -> None:
    (program.place.state / ".git").mkdir(parents=True)
    (program.place.state / "thesis.txt").write_text("foreign")
    before = _contents(program.place.state)
    assert "must be a folder that is new, empty" in program.fails(2, *command)
    assert _contents(program.place.state) == before


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (("scan",), "a file is where a folder must be"),
        (UP, "Not a directory; set DAGSTER_HOME to another folder"),
    ],
)
def test_a_file_in_place_of_the_storage_is_reported(
    command: tuple[str, ...], text: str, program: Program
) -> None:
    program.place.state.parent.mkdir(parents=True, exist_ok=True)
    program.place.state.write_text("foreign")
    assert text in program.fails(1, *command)
    assert program.place.state.read_text() == "foreign"


def _a_file(state: Path) -> None:
    state.write_text("foreign")


def _a_folder_as_pointer(state: Path) -> None:
    (state / "current.json").mkdir(parents=True)


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (_a_file, "a file is where a folder must be"),
        (_a_folder_as_pointer, "current.json: Is a directory; look at the folder"),
        (_newer_pointer, "current.json has format 7"),
    ],
)
def test_the_exporter_runs_and_reports_a_storage_that_it_cannot_read(
    damage: Callable[[Path], object], text: str, tmp_path: Path
) -> None:
    """It may be repaired while the exporter runs."""
    state = tmp_path / "state"
    if damage is _newer_pointer:
        state.mkdir()
    damage(state)
    with run_in_thread(state) as exporter:
        health = eventually(lambda: _reasons(exporter, text))
        assert (health.status, exporter.get("/livez").status) == (503, 200)
        assert exporter.get("/ready").status == 503


def _reasons(exporter: Exporter, text: str) -> Answer | None:
    answer = exporter.get("/health")
    return answer if text in answer.text else None


@pytest.mark.parametrize("command", [("scan",), UP, ("serve", "--port", "0"), ("check-config",)])
def test_a_folder_in_place_of_the_configuration_is_reported(
    command: tuple[str, ...], program: Program
) -> None:
    config = program.place.folder / "config.yaml"
    config.unlink()
    config.mkdir()
    assert "config.yaml: cannot be read" in program.fails(2, *command)


@pytest.mark.parametrize("name", ["up.lock", "workspace.yaml", "dagster.yaml"])
def test_a_folder_in_place_of_a_file_of_the_home_is_reported(name: str, program: Program) -> None:
    (program.place.state / "dagster" / name).mkdir(parents=True)
    assert "Is a directory; " in program.fails(1, *UP)


def test_up_reports_that_another_process_holds_the_lock_of_its_home(program: Program) -> None:
    home = program.place.state / "dagster"
    home.mkdir(parents=True)
    with locked(home):
        assert "another `up` uses this folder; stop it" in program.fails(2, *UP)
