"""Dagster's processes: the daemon, its code server, and the run processes that this starts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import dagster as dg

_STARTED = "Started process for run (pid: "


def write_home(home: Path, more: str = "") -> Path:
    """Creates a Dagster home with the shipped settings and additional ones."""
    home.mkdir(parents=True)
    shipped = files("tag_compliance.cli").joinpath("dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster.yaml").write_text(shipped + more, encoding="utf-8")
    return home


@contextlib.contextmanager
def running_dagster(home: Path, config: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """Runs the daemon, with schedules and sensors, and a code server; yields their log file."""
    variables = {
        **environment,
        "DAGSTER_HOME": str(home),
        "TAG_COMPLIANCE_CONFIG": str(config),
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", "tag_compliance.definitions"]
    log = home / "processes.log"
    with log.open("wb") as out:
        daemon = subprocess.Popen(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        _end_session(daemon)


def pid_of(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """The id of the process that the code server has started for the run."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        message = entry.dagster_event.message if entry.dagster_event else None
        if message and message.startswith(_STARTED):
            return int(message.removeprefix(_STARTED).rstrip(")."))
    return None


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """Ends every process of its session, run processes included."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
