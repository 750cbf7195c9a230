"""`tag-compliance up`: everything for one machine, as one foreground process tree."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from tag_compliance.aws.regions import known_regions
from tag_compliance.cli.dagster_home import FEW_EVENTS, prepare_dagster_home, write_workspace
from tag_compliance.cli.processes import Child, supervise
from tag_compliance.config import Config, load_config
from tag_compliance.errors import CannotListen

_SERVING_FLAGS = ("tls_cert", "tls_key", "bearer_token_file", "basic_auth_file")


def run(arguments: argparse.Namespace) -> int:
    if arguments.refresh_interval:
        os.environ["TAG_COMPLIANCE_REFRESH_INTERVAL"] = arguments.refresh_interval
    config = load_config(arguments.config, os.environ, known_regions())
    os.environ["TAG_COMPLIANCE_CONFIG"] = str(arguments.config.resolve())
    return run_up(arguments, config)


def run_up(arguments: argparse.Namespace, config: Config) -> int:
    """Blocks until a signal or a child's death ends the tree; answers the exit code."""
    for host, port in (arguments.host, arguments.port), (arguments.ui_host, arguments.ui_port):
        _refuse_unless_free(host, port)
    home = prepare_dagster_home(os.environ.get("DAGSTER_HOME"), config)
    environment = {
        # Dagster warns of each of its own features that it calls beta; the lock file pins them all.
        "PYTHONWARNINGS": "ignore",
        **FEW_EVENTS,
        **os.environ,
        "DAGSTER_HOME": str(home),
        "TAG_COMPLIANCE_STORAGE": config.storage,
        "TAG_COMPLIANCE_LOG_LEVEL": arguments.log_level,
        "TAG_COMPLIANCE_LOG_FORMAT": arguments.log_format,
    }
    return supervise(list(_children(arguments, home)), environment)


def _children(arguments: argparse.Namespace, home: Path) -> Iterator[Child]:
    """The code server first: the other two of Dagster's ask it for the definitions."""
    python = sys.executable
    code_port = _free_port()
    location = ["-w", str(write_workspace(home, code_port))]
    yield Child(
        "code server",
        [
            *(python, "-m", "dagster", "code-server", "start", "-h", "127.0.0.1"),
            *("-p", str(code_port), "-m", "tag_compliance.definitions"),
        ],
        ready_at=("127.0.0.1", code_port),
    )
    yield Child(
        "exporter",
        [
            *(python, "-m", "tag_compliance", "serve", "--config", str(arguments.config)),
            *("--host", arguments.host, "--port", str(arguments.port)),
            *(part for flag in _SERVING_FLAGS for part in _passed_on(arguments, flag)),
        ],
    )
    yield Child("daemon", [python, "-m", "dagster._daemon", "run", *location])
    yield Child(
        "webserver",
        [
            *(python, "-m", "dagster_webserver", "-h", arguments.ui_host),
            *("-p", str(arguments.ui_port), *location),
        ],
    )


def _passed_on(arguments: argparse.Namespace, flag: str) -> list[str]:
    value = getattr(arguments, flag)
    return [f"--{flag.replace('_', '-')}", str(Path(value).absolute())] if value else []


def _refuse_unless_free(host: str, port: int) -> None:
    """Told at once and in one line; Dagster's webserver would take another port in silence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise CannotListen(host, port, error.strerror or str(error)) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
