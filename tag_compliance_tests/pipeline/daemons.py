"""Dagster's processes: a code server, the daemon, and the run processes that they start."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import dagster as dg

from tag_compliance_tests.support.loopback import free_port
from tag_compliance_tests.support.waiting import eventually

_STARTED = "Started process for run (pid: "


def write_home(home: Path, more: str = "") -> Path:
    """Creates a Dagster home with the shipped settings and additional ones."""
    home.mkdir(parents=True)
    shipped = files("tag_compliance.cli").joinpath("dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster.yaml").write_text(shipped + more, encoding="utf-8")
    return home


@contextlib.contextmanager
def running_dagster(home: Path, config: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """Runs the code server and the daemon, with schedules and sensors; yields their log file."""
    variables = {
        **environment,
        "DAGSTER_HOME": str(home),
        "TAG_COMPLIANCE_CONFIG": str(config),
        "PYTHONWARNINGS": "ignore",
    }
    log = home / "processes.log"
    port = free_port()
    address = ("-h", "127.0.0.1", "-p", str(port))
    server = ("-m", "dagster", "api", "grpc", *address, "-m", "tag_compliance.definitions")
    daemon = ("-m", "dagster._daemon", "run", "--grpc-port", str(port), "--grpc-host", "127.0.0.1")
    with contextlib.ExitStack() as stack, log.open("wb") as out:
        for command in (server, daemon):
            process = subprocess.Popen(
                [sys.executable, *command],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
            stack.callback(_end, process)
            if command is server:
                eventually(lambda: _listens(port), 90, explain=log.read_text)
        yield log


def pid_of(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """The id of the process that the code server has started for the run."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        message = entry.dagster_event.message if entry.dagster_event else None
        if message and message.startswith(_STARTED):
            return int(message.removeprefix(_STARTED).rstrip(")."))
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends every process of its session, run processes included."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
        return True
    return False
