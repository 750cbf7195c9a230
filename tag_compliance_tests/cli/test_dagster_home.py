"""The home of Dagster that `up` and `scan` prepare."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance.cli import dagster_databases
from tag_compliance.cli.dagster_databases import check_databases
from tag_compliance.cli.dagster_home import (
    MOST_PLANNED_ACCOUNTS,
    event_settings,
    prepare_dagster_home,
)
from tag_compliance_tests.fake_aws import generate_organization
from tag_compliance_tests.support.aws import config_of
from tag_compliance_tests.support.program import Program
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS


def test_the_users_own_dagster_yaml_is_left_as_it_is(tmp_path: Path) -> None:
    settings = tmp_path / "dagster.yaml"
    settings.write_text("telemetry:\n  enabled: false\n")
    config = config_of(generate_organization(1, ["us-east-1"], 0))
    assert prepare_dagster_home(str(tmp_path), config) == tmp_path
    assert settings.read_text() == "telemetry:\n  enabled: false\n"


@pytest.mark.parametrize("command", [["scan"], ["up", "--port", "0", "--ui-port", "0"]])
def test_a_home_that_cannot_be_created_is_reported_in_one_line(
    program: Program, command: list[str]
) -> None:
    (program.place.folder / "file").write_text("")
    os.environ["DAGSTER_HOME"] = str(program.place.folder / "file" / "home")
    assert program.fails(1, *command).endswith("; set DAGSTER_HOME to another folder")


_INDEX = "history/runs/index.db"


@pytest.fixture(scope="module")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("dagster")
    with dg.DagsterInstance.local_temp(str(home), {"telemetry": {"enabled": False}}) as instance:
        instance.get_run_records(limit=1)
        instance.all_instigator_state()
    return home


@pytest.fixture
def home(new_home: Path, program: Program) -> Path:
    """As Dagster has created it; `scan` and `up` use it."""
    home = shutil.copytree(new_home, program.place.folder / "dagster")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


@pytest.mark.parametrize("tables", [0, 1, 3])
@pytest.mark.parametrize("database", ["history/runs.db", _INDEX, "schedules/schedules.db"])
def test_a_half_created_database_that_holds_nothing_is_created_again(
    database: str, tables: int, home: Path, program: Program
) -> None:
    path = home / database
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as incomplete:
        incomplete.execute("PRAGMA user_version = 1")
        for n in range(tables):
            incomplete.execute(f"CREATE TABLE t{n} (id INTEGER)")
    os.utime(path, (0, 0))
    (path.with_name(f"{path.name}.backup")).write_text("foreign")
    assert program.scan().code == 0
    with contextlib.closing(sqlite3.connect(path)) as created:
        assert len(created.execute("SELECT * FROM alembic_version").fetchall()) == 1
    assert path.with_name(f"{path.name}.backup").read_text() == "foreign"


def test_a_database_that_is_being_created_is_not_deleted(home: Path) -> None:
    path = home / _INDEX
    complete = path.read_bytes()
    path.write_bytes(b"")
    creator = threading.Timer(0.3, path.write_bytes, [complete])
    creator.start()
    check_databases(home)
    creator.join()
    assert path.read_bytes() == complete


def _damage_pages(path: Path) -> None:
    """All but the first page, which has the names of the tables."""
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


@pytest.mark.parametrize(
    ("file", "damage", "text"),
    [
        (
            _INDEX,
            lambda path: path.write_bytes(b"x" * 5000),
            "file is not a database; set DAGSTER_HOME",
        ),
        (_INDEX, lambda path: path.write_bytes(path.read_bytes()[:20_000]), "malformed; set DAG"),
        (_INDEX, _damage_pages, "malformed; "),
        ("history/runs.db", _damage_pages, "malformed; "),
        (
            "dagster.yaml",
            lambda path: path.write_text("a: [b"),
            "correct it; without it, a new one",
        ),
        ("dagster.yaml", lambda path: path.write_text("nonsense: 1"), "correct its dagster.yaml"),
    ],
)
def test_a_damaged_home_is_reported_in_one_line(
    file: str, damage: Callable[[Path], object], text: str, home: Path, program: Program
) -> None:
    damage(home / file)
    assert text in program.fails(1, "scan")


@pytest.mark.parametrize("command", [("scan",), ("up", "--port", "0", "--ui-port", "0")])
def test_a_folder_where_a_database_must_be_is_reported_in_one_line(
    command: tuple[str, ...], home: Path, program: Program
) -> None:
    (home / _INDEX).unlink()
    (home / _INDEX).mkdir()
    assert "index.db: a folder is where a file must be; " in program.fails(1, *command)


def test_up_reports_a_wrong_key_of_dagster_yaml_in_one_line(home: Path, program: Program) -> None:
    (home / "dagster.yaml").write_text("nonsense: 1")
    line = program.fails(1, "up", "--port", "0", "--ui-port", "0")
    assert "correct its dagster.yaml" in line


def test_a_locked_database_is_reported_with_what_to_do(
    home: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dagster_databases, "_LOCK_SECONDS", 0.1)
    monkeypatch.setattr(dagster_databases, "_SILENT_SECONDS", 0.1)
    with contextlib.closing(sqlite3.connect(home / _INDEX)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for command in (["scan"], ["up", "--port", "0", "--ui-port", "0"]):
            assert program.fails(1, *command) == (
                f"tag-compliance: cannot open {home / _INDEX}: database is locked; "
                "stop the process that uses it, or set DAGSTER_HOME to another folder"
            )


def test_a_person_sees_which_locked_database_is_waited_for_while_it_is_locked(
    home: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dagster_databases, "_SILENT_SECONDS", 0.1)
    monkeypatch.setattr(dagster_databases, "_LOCK_SECONDS", DEADLINE_SECONDS)
    with contextlib.closing(sqlite3.connect(home / _INDEX, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")

        def unlock(message: str, **fields: object) -> None:
            seen.append((message, fields["path"]))
            other.rollback()

        seen: list[tuple[str, object]] = []
        monkeypatch.setattr(dagster_databases.logger, "warning", unlock)
        assert program.scan().code == 0
    waited = "waiting for the process that has locked the database"
    assert seen == [(waited, str(home / _INDEX))]


def test_a_person_sees_which_incomplete_database_is_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = (home / _INDEX).read_bytes()
    (home / _INDEX).write_bytes(b"")
    monkeypatch.setattr(dagster_databases, "_SILENT_SECONDS", 0.1)
    seen: list[tuple[str, object]] = []

    def finish(message: str, **fields: object) -> None:
        seen.append((message, fields["path"]))
        (home / _INDEX).write_bytes(complete)

    monkeypatch.setattr(dagster_databases.logger, "warning", finish)
    check_databases(home)
    waited = "waiting for another process that may be creating the database"
    assert seen == [(waited, str(home / _INDEX))]


@pytest.mark.parametrize(
    ("accounts", "planned"),
    [(1, None), (MOST_PLANNED_ACCOUNTS, None), (MOST_PLANNED_ACCOUNTS + 1, "true")],
)
def test_only_a_scan_of_very_many_accounts_plans_them_in_a_single_event(
    accounts: int, planned: str | None
) -> None:
    settings = event_settings(accounts)
    assert settings.get("DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS") == planned
