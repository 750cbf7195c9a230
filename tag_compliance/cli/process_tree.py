"""The processes of `up`: Dagster's code server, daemon and webserver, and the exporter."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import tag_compliance
from tag_compliance.aws.targets import targets_of
from tag_compliance.cli import options
from tag_compliance.cli.accounts import with_stored_accounts
from tag_compliance.cli.configuration import load_for_writing
from tag_compliance.cli.dagster_databases import check_databases
from tag_compliance.cli.dagster_home import (
    LOCK,
    event_settings,
    has_shipped_settings,
    home_of,
    locked,
    prepare_dagster_home,
    write_workspace,
)
from tag_compliance.cli.processes import Child, supervise
from tag_compliance.cli.variables import unknown_variables
from tag_compliance.config import Config
from tag_compliance.errors import CannotListen, StorageRefused
from tag_compliance.logs import LogFormat, get_logger
from tag_compliance.pipeline.ui_guard import LOOPBACK

logger = get_logger(__name__)

_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Where a server that listens on every address is reached on this machine."""


def run_process_tree(
    config_path: Path,
    environment: Mapping[str, str],
    schedule: options.Schedule,
    serving: options.Serving,
    logs: options.Logs,
) -> int:
    """Runs until a signal arrives or a process ends; returns the exit code.

    `environment` is the base of the processes' environment.
    """
    # This process has warned of them; the exporter would warn again.
    unknown = unknown_variables(environment)
    environment = {name: value for name, value in environment.items() if name not in unknown}
    if schedule.refresh_interval:
        environment = {**environment, "TAG_COMPLIANCE_REFRESH_INTERVAL": schedule.refresh_interval}
    config = load_for_writing(config_path, environment)
    named = environment.get("DAGSTER_HOME")
    if (there := home_of(named, config) / LOCK).exists():
        with locked(there.parent):  # reported before the ports, which the other `up` may use
            pass
    _free_port(serving.host, serving.port, "--host or --port")
    _free_port(schedule.ui_host, schedule.ui_port, "--ui-host or --ui-port")
    home = prepare_dagster_home(named, config)
    with locked(home) as lock:
        check_databases(home)
        _check_settings(home)
        code_port = _free_port("127.0.0.1", 0, "")
        workspace = write_workspace(home, code_port)
        variables = {
            # Dagster warns about each of its features that it calls beta; the lock file pins them.
            "PYTHONWARNINGS": "ignore",
            **event_settings(_known_accounts(config)),
            **environment,
            "DAGSTER_HOME": str(home),
            "TAG_COMPLIANCE_CONFIG": str(config_path.resolve()),
            **_read_by_the_exporter(config),
            "TAG_COMPLIANCE_LOG_LEVEL": logs.log_level,
            "TAG_COMPLIANCE_LOG_FORMAT": logs.log_format,
        }
        children = _children(code_port, workspace, schedule, serving, logs)
        return supervise(
            children, variables, lock, lambda: _show_addresses(schedule, serving, logs)
        )


def _read_by_the_exporter(config: Config) -> dict[str, str]:
    """With the storage in a variable, the exporter does not read the file."""
    return {
        "TAG_COMPLIANCE_STORAGE": config.storage,
        "TAG_COMPLIANCE_FINDINGS_ACCESS": config.findings_access,
    }


def _show_addresses(
    schedule: options.Schedule, serving: options.Serving, logs: options.Logs
) -> None:
    """On stderr: what a person can open."""
    exporter = f"http{'s' if serving.tls_cert else ''}://{_shown(serving.host, serving.port)}"
    addresses = {
        "dagster": f"http://{_shown(schedule.ui_host, schedule.ui_port)}",
        "page": exporter,
        "metrics": f"{exporter}/metrics",
    }
    if logs.log_format == LogFormat.JSON:
        logger.info("started", **addresses)
        return
    print("tag-compliance: started; stop it with Ctrl-C", file=sys.stderr)
    for name, address in addresses.items():
        print(f"  {name:8} {address}", file=sys.stderr, flush=True)


def _shown(host: str, port: int) -> str:
    if host in {*LOOPBACK, *_REACHED_AT}:
        return f"localhost:{port}"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _check_settings(home: Path) -> None:
    """Raises `StorageRefused` for a wrong key, which Dagster's processes report by tracebacks.

    Dagster is imported only if the settings were changed: this process keeps the memory.
    """
    if not has_shipped_settings(home):
        from tag_compliance.pipeline.run_once import opened_instance

        with opened_instance(str(home)):
            pass


def _known_accounts(config: Config) -> int:
    """How many accounts are scanned, as far as it is known without AWS."""
    with contextlib.suppress(StorageRefused):
        config = with_stored_accounts(config)
    return len(targets_of(config))


def _children(
    code_port: int,
    workspace: Path,
    schedule: options.Schedule,
    serving: options.Serving,
    logs: options.Logs,
) -> list[Child]:
    """The daemon and the webserver ask the code server for the definitions.

    Dagster's daemon logs each look of a sensor at the level info: it is seen at the level debug.
    """
    level = "info" if logs.log_level == "debug" else "warning"
    quiet = ["--log-level", level]
    code_server = f"dagster code-server start -h 127.0.0.1 -p {code_port}".split()
    # Dagster imports modules from this folder first; by default it is the working directory.
    code_server += ["-d", str(Path(tag_compliance.__file__).parents[1])]
    location = ["-w", str(workspace)]
    as_json = ["--log-format", "json"] if logs.log_format == LogFormat.JSON else []
    ui = ["--host", schedule.ui_host, "--port", str(schedule.ui_port), "--workspace", *location[1:]]
    if schedule.ui_allowed_hosts:
        ui += ["--allowed-hosts", schedule.ui_allowed_hosts]
    given = {name: value for name, value in asdict(serving).items() if value is not None}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    return [
        Child(
            "code server",
            [*code_server, *quiet, *as_json, "-m", "tag_compliance.definitions"],
            ready_at=("127.0.0.1", code_port),
        ),
        Child("daemon", ["dagster._daemon", "run", *quiet, *as_json, *location]),
        Child(
            "exporter", ["tag_compliance", "serve", *flags], _listens(serving.host, serving.port)
        ),
        Child(
            "webserver",
            ["tag_compliance.pipeline.ui_server", *quiet, *as_json, *ui],
            _listens(schedule.ui_host, schedule.ui_port),
        ),
    ]


def _listens(host: str, port: int) -> tuple[str, int]:
    return _REACHED_AT.get(host, host), port


def _free_port(host: str, port: int, flags: str) -> int:
    """The port, or any free one for 0. Raises `CannotListen` if it is not free.

    Dagster's webserver would silently use another port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as probe:
            found: int = probe.getsockname()[1]
            return found
    except OSError as error:
        raise CannotListen(host, port, error.strerror or str(error), flags) from error
