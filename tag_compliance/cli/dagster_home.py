"""Dagster's home: the one that is named, or one in the state folder, with settings that suit."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from tag_compliance.config import Config
from tag_compliance.errors import StorageRefused

_FALLBACK = "state"


def prepare_dagster_home(named: str | None, config: Config) -> Path:
    """The folder, made where it is missing, with the shipped `dagster.yaml` where it has none."""
    state = _FALLBACK if "://" in config.storage else config.storage
    home = Path(named) if named else Path(state) / "dagster"
    settings = home / "dagster.yaml"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not settings.exists():
            shipped = files("tag_compliance.cli").joinpath("dagster.yaml")
            settings.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        cause = error.strerror or str(error)
        raise StorageRefused(str(home), "write", cause, "name another in DAGSTER_HOME") from error
    return home.resolve()
