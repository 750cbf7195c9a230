"""DAGSTER_HOME: the folder that the variable names, or one in the state folder."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import yaml

from tag_compliance.config import Config
from tag_compliance.config.model import is_bucket
from tag_compliance.errors import BadConfiguration, Fault, StorageRefused
from tag_compliance.storage.atomic import reported, write_file

LOCK = "up.lock"
"""The file that a running `up` has locked."""

MOST_PLANNED_ACCOUNTS = 500
"""With more accounts, a run plans all of them in one event, instead of one event per account.

That keeps large scans fast, but then Dagster marks only the run as failed, not the accounts that
failed in it.
"""

_ONE_PLANNED_EVENT = "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS"
_BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
EVENT_VARIABLES = (_ONE_PLANNED_EVENT, _BATCH_SIZE)
"""Settings that Dagster reads only from the environment."""


def event_settings(accounts: int) -> dict[str, str]:
    """The variables for a scan of so many accounts.

    Materializations are written in large transactions where the storage supports it.
    """
    planned = {_ONE_PLANNED_EVENT: "true"} if accounts > MOST_PLANNED_ACCOUNTS else {}
    return {**planned, _BATCH_SIZE: "1000"}


def home_of(named: str | None, config: Config) -> Path:
    """The folder, which may not exist yet."""
    state = "state" if is_bucket(config.storage) else config.storage
    return Path(named) if named else Path(state) / "dagster"


def prepare_dagster_home(named: str | None, config: Config) -> Path:
    """Creates the folder if it is missing, and the shipped `dagster.yaml` unless it has one.

    Raises `StorageRefused` if the folder cannot be used.
    """
    home = home_of(named, config)
    settings = home / "dagster.yaml"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not settings.exists():
            shipped = files("tag_compliance.cli").joinpath("dagster.yaml")
            write_file(settings, shipped.read_bytes())
        content = settings.read_bytes()
    except OSError as error:
        cause = error.strerror or str(error)
        raise StorageRefused(
            str(home), "write", cause, "set DAGSTER_HOME to another folder"
        ) from error
    try:
        yaml.safe_load(content)
    except yaml.YAMLError as error:
        cause, advice = " ".join(str(error).split()), "correct it; without it, a new one is created"
        raise StorageRefused(str(settings), "parse", cause, advice) from error
    return home.resolve()


@contextlib.contextmanager
def locked(home: Path) -> Iterator[int]:
    """Excludes another `up` from the home; yields the descriptor of the lock.

    The lock is held as long as any process has the descriptor. Raises `BadConfiguration`.
    """
    path = home / LOCK
    with reported(path, "write"):
        file = path.open("ab")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            rule = "another `up` uses this folder; stop it, or set DAGSTER_HOME to another one"
            raise BadConfiguration((Fault(str(home), "", None, rule),)) from None
        yield file.fileno()


def write_workspace(home: Path, port: int) -> Path:
    """Names the code server. The location name is constant: it identifies the schedules."""
    server = {"host": "127.0.0.1", "port": port, "location_name": "tag_compliance"}
    text = yaml.safe_dump({"load_from": [{"grpc_server": server}]})
    write_file(home / "workspace.yaml", text.encode())
    return home / "workspace.yaml"
