"""Dagster's SQLite databases in a DAGSTER_HOME: half-created, damaged and locked ones.

Dagster reports them by a traceback, or waits for minutes, and never completes a half-created one.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from tag_compliance.errors import StorageRefused
from tag_compliance.logs import get_logger

logger = get_logger(__name__)

_DATABASES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")
_LOCK_SECONDS = 10.0
_SILENT_SECONDS = 2.0
"""After this time, a person sees what is waited for."""

_CREATION_SECONDS = 10.0
"""A database that is incomplete and unchanged for so long is not being created any more."""

_LOCKED = "stop the process that uses it, or set DAGSTER_HOME to another folder"
_UNUSABLE = "set DAGSTER_HOME to another folder, or delete this one if its history is not needed"


def check_databases(home: Path) -> None:
    """Deletes half-created databases that hold nothing, so that Dagster creates them again.

    Raises `StorageRefused` for one that cannot be used.
    """
    for name in _DATABASES:
        path = home / name
        if path.is_dir():
            raise StorageRefused(str(path), "open", "a folder is where a file must be", _UNUSABLE)
        try:
            if _stays_incomplete(path):
                for file in _files_of(path):
                    file.unlink(missing_ok=True)
        except (sqlite3.Error, OSError) as error:
            advice = _LOCKED if "locked" in str(error) else _UNUSABLE
            raise StorageRefused(str(path), "open", str(error), advice) from error


def _lock(database: sqlite3.Connection, path: Path) -> None:
    """Waits while another process has it. Raises `sqlite3.OperationalError`."""
    try:
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_BUSY":
            raise
        logger.warning(
            "waiting for the process that has locked the database",
            path=str(path),
            at_most_seconds=_LOCK_SECONDS,
        )
        database.execute(f"PRAGMA busy_timeout = {_LOCK_SECONDS * 1_000:.0f}")
        database.execute("BEGIN IMMEDIATE")


def _files_of(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("", "-journal", "-wal", "-shm")]


def _stays_incomplete(path: Path) -> bool:
    """Waits for another process that may be creating the database; it decides if it is slow."""
    started = time.monotonic()
    end = started + 2 * _CREATION_SECONDS
    reported = False
    while path.is_file() and _is_incomplete(path) and time.monotonic() < end:
        changed = max(file.stat().st_mtime for file in _files_of(path) if file.exists())
        if time.time() - changed > _CREATION_SECONDS:
            return True
        if not reported and time.monotonic() - started >= _SILENT_SECONDS:
            reported = True
            logger.warning(
                "waiting for another process that may be creating the database",
                path=str(path),
                at_most_seconds=2 * _CREATION_SECONDS,
            )
        time.sleep(0.2)
    return False


def _is_incomplete(path: Path) -> bool:
    """Whether it has no version, which is written last, and no row.

    One with rows is of an old version of Dagster, which this one can read.
    """
    existing = f"{path.resolve().as_uri()}?mode=rw"  # a missing one must not be created empty
    with contextlib.closing(sqlite3.connect(existing, _SILENT_SECONDS, uri=True)) as database:
        _lock(database, path)
        listed = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in listed}
        rows = {t for t in tables if database.execute(f'SELECT 1 FROM "{t}"').fetchone()}  # noqa: S608
        return "alembic_version" not in rows and rows <= {"instance_info", "secondary_indexes"}
