"""Dagster's home: the one that is named, or one in the state folder, with settings that suit."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import yaml

from tag_compliance.config import Config
from tag_compliance.errors import StorageRefused
from tag_compliance.storage.folder import DAGSTER_FOLDER, FolderStorage

LOCATION_NAME = "tag_compliance"

FEW_EVENTS = {
    "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "true",
    "DAGSTER_EVENT_BATCH_SIZE": "1000",
}
"""What Dagster reads from the environment alone: a run plans its accounts in one event, not in one
for each, and so many materializations are written in one transaction, where the storage can.

Blind spot: a run that dies is marked as failed, and none of its accounts is.
"""

_FALLBACK = "state"


def prepare_dagster_home(named: str | None, config: Config) -> Path:
    """The folder, made where it is missing, with the shipped `dagster.yaml` where it has none."""
    state = _FALLBACK if "://" in config.storage else config.storage
    home = Path(named) if named else Path(state) / DAGSTER_FOLDER
    settings = home / "dagster.yaml"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not settings.exists():
            shipped = files("tag_compliance.cli").joinpath("dagster.yaml")
            FolderStorage(home).write(settings.name, shipped.read_bytes())
    except OSError as error:
        cause = error.strerror or str(error)
        raise StorageRefused(str(home), "write", cause, "name another in DAGSTER_HOME") from error
    return home.resolve()


def write_workspace(home: Path, port: int) -> Path:
    """Where the code server is, under a name that stays: schedules and their history go by it."""
    server = {"host": "127.0.0.1", "port": port, "location_name": LOCATION_NAME}
    text = yaml.safe_dump({"load_from": [{"grpc_server": server}]})
    FolderStorage(home).write("workspace.yaml", text.encode())
    return home / "workspace.yaml"
