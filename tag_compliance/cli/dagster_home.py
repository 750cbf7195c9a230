"""DAGSTER_HOME: the folder that the variable names, or one in the state folder."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import yaml

from tag_compliance.config import Config
from tag_compliance.errors import StorageRefused
from tag_compliance.storage.folder import FolderStorage

MOST_PLANNED_ACCOUNTS = 500
"""With more accounts, a run plans all of them in one event, instead of one event per account.

That keeps large scans fast, but then Dagster marks only the run as failed, not the accounts that
failed in it.
"""

_ONE_PLANNED_EVENT = "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS"
_BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
EVENT_VARIABLES = (_ONE_PLANNED_EVENT, _BATCH_SIZE)
"""Settings that Dagster reads only from the environment."""


def event_settings(accounts: int, most: int = MOST_PLANNED_ACCOUNTS) -> dict[str, str]:
    """The variables for a scan of so many accounts.

    Materializations are written in large transactions where the storage supports it.
    """
    planned = {_ONE_PLANNED_EVENT: "true"} if accounts > most else {}
    return {**planned, _BATCH_SIZE: "1000"}


def prepare_dagster_home(named: str | None, config: Config) -> Path:
    """Creates the folder if it is missing, and the shipped `dagster.yaml` unless it has one."""
    state = "state" if "://" in config.storage else config.storage
    home = Path(named) if named else Path(state) / "dagster"
    settings = home / "dagster.yaml"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not settings.exists():
            shipped = files("tag_compliance.cli").joinpath("dagster.yaml")
            FolderStorage(home).write(settings.name, shipped.read_bytes())
    except OSError as error:
        cause = error.strerror or str(error)
        raise StorageRefused(
            str(home), "write", cause, "set DAGSTER_HOME to another folder"
        ) from error
    return home.resolve()


def write_workspace(home: Path, port: int) -> Path:
    """Names the code server. The location name is constant: it identifies the schedules."""
    server = {"host": "127.0.0.1", "port": port, "location_name": "tag_compliance"}
    text = yaml.safe_dump({"load_from": [{"grpc_server": server}]})
    FolderStorage(home).write("workspace.yaml", text.encode())
    return home / "workspace.yaml"
