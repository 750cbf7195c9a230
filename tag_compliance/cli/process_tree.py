"""The processes of `up`: Dagster's code server, daemon and webserver, and the exporter."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tag_compliance.aws.regions import known_regions
from tag_compliance.cli import options
from tag_compliance.cli.dagster_home import FEW_EVENTS, prepare_dagster_home, write_workspace
from tag_compliance.cli.processes import Child, supervise
from tag_compliance.config import load_config
from tag_compliance.errors import CannotListen


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
    if schedule.refresh_interval:
        refresh = {"TAG_COMPLIANCE_REFRESH_INTERVAL": schedule.refresh_interval}
        environment = {**environment, **refresh}
    config = load_config(config_path, environment, known_regions())
    for host, port in (serving.host, serving.port), (schedule.ui_host, schedule.ui_port):
        _require_free_port(host, port)
    home = prepare_dagster_home(environment.get("DAGSTER_HOME"), config)
    code_port = _free_port()
    workspace = write_workspace(home, code_port)
    children = [
        # The daemon and the webserver ask the code server for the definitions.
        _code_server(code_port),
        _exporter(config_path, serving),
        *_daemon_and_webserver(workspace, schedule),
    ]
    return supervise(
        children,
        {
            # Dagster warns about each of its features that it calls beta; the lock file pins them.
            "PYTHONWARNINGS": "ignore",
            **FEW_EVENTS,
            **environment,
            "DAGSTER_HOME": str(home),
            "TAG_COMPLIANCE_CONFIG": str(config_path.resolve()),
            "TAG_COMPLIANCE_STORAGE": config.storage,
            "TAG_COMPLIANCE_LOG_LEVEL": logs.log_level,
            "TAG_COMPLIANCE_LOG_FORMAT": logs.log_format,
        },
    )


def _code_server(port: int) -> Child:
    command = (sys.executable, "-m", "dagster", "code-server", "start", "-h", "127.0.0.1")
    module = ("-p", str(port), "-m", "tag_compliance.definitions")
    return Child("code server", [*command, *module], ready_at=("127.0.0.1", port))


def _exporter(config_path: Path, serving: options.Serving) -> Child:
    command = (sys.executable, "-m", "tag_compliance", "serve")
    address = (
        "--config",
        str(config_path.resolve()),
        "--host",
        serving.host,
        "--port",
        str(serving.port),
    )
    files = {
        "--tls-cert": serving.tls_cert,
        "--tls-key": serving.tls_key,
        "--bearer-token-file": serving.bearer_token_file,
        "--basic-auth-file": serving.basic_auth_file,
    }
    given = ((flag, str(Path(file).absolute())) for flag, file in files.items() if file)
    return Child("exporter", [*command, *address, *(part for pair in given for part in pair)])


def _daemon_and_webserver(workspace: Path, schedule: options.Schedule) -> Iterator[Child]:
    location = ("-w", str(workspace))
    yield Child("daemon", [sys.executable, "-m", "dagster._daemon", "run", *location])
    address = ("-h", schedule.ui_host, "-p", str(schedule.ui_port))
    yield Child("webserver", [sys.executable, "-m", "dagster_webserver", *address, *location])


def _require_free_port(host: str, port: int) -> None:
    """Raises `CannotListen`; Dagster's webserver would silently use another port."""
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
