"""`tag-compliance up`: one process tree whose processes stop together."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import Request

import dagster as dg
import pytest

from tag_compliance.cli.dagster_home import locked
from tag_compliance.errors import BadConfiguration
from tag_compliance_tests.endurance.processes import alive, descendants
from tag_compliance_tests.endurance.up import start_up
from tag_compliance_tests.fake_aws import FakeAws
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.loopback import fetch
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.program import error_lines
from tag_compliance_tests.support.waiting import eventually


def planned_in(home: Path) -> list[str | None]:
    """The account of each event of the first run that plans to read accounts."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
        entries = instance.all_logs(instance.get_runs()[-1].run_id, of_type=kind)
        events = [entry.dagster_event for entry in entries if entry.dagster_event]
        return [e.partition for e in events if e.asset_key == dg.AssetKey("raw_resources")]


_RECORDING = """\
import importlib, os, sys
with open({log!r}, "a") as log:
    print(os.getpid(), __name__, file=log)
path = sys.path[:]
sys.path[:] = [folder for folder in path if os.path.abspath(folder) != os.path.dirname(__file__)]
del sys.modules[__name__]
importlib.import_module(__name__)
sys.path[:] = path
"""
"""A module that records who imports it, and is then replaced by the real one of its name."""


def put_modules_into(folder: Path) -> Path:
    """Modules that a file of the working directory could hide; returns the log of their imports."""
    log = folder / "imports.log"
    for name in ("secrets", "yaml", "uvicorn", "dagster"):
        (folder / f"{name}.py").write_text(_RECORDING.format(log=str(log)))
    return log


@pytest.mark.timeout(240)
def test_the_first_scan_starts_automatically_and_a_killed_daemon_stops_everything(
    place: Place, fake: FakeAws
) -> None:
    write_config(place.folder, fake.organization, region_deadline=30, findings_access="open")
    imports = put_modules_into(place.folder)
    flags = ("--refresh-interval", "10s", "--log-format", "json", "--log-level", "debug")
    names = {"TAG_COMPLIANCE_UI_ALLOWED_HOSTS": "ui.example, dagster.example"}
    with start_up(place, *flags, **names) as up:
        eventually(lambda: up.has_snapshot, 120)
        eventually(lambda: up.answers("/server_info", up.ui_port), 60)
        hosts = ("ui.example", "dagster.example", "rebound.example")
        assert [_ui_status(up.ui_port, "/", host=host) for host in hosts] == [200, 200, 403]
        findings = f"http://127.0.0.1:{up.port}/api/v1/findings"
        through_proxy = Request(findings, headers={"X-Forwarded-For": "10.0.0.9"})
        eventually(lambda: fetch(through_proxy) is not None, 60)
        tree = descendants(up.process.pid)
        assert (place.state / "dagster" / "dagster.yaml").is_file()
        planned = planned_in(place.state / "dagster")
        assert sorted(map(str, planned)) == ["100000000000", "100000000001", "100000000002"]
        (daemon,) = [process for process in tree if "dagster._daemon" in process.command]
        os.kill(daemon.pid, signal.SIGKILL)
        importers = {int(line.split()[0]) for line in imports.read_text().splitlines()}
        assert importers == {up.process.pid}, "python -m adds the working directory to `up` alone"

        assert up.process.wait(60) == 1
        assert error_lines(up.log.read_text()) == [
            "tag-compliance: the daemon ended with signal 9; stopping the others"
        ]
        assert alive(tree) == []
    lines = up.log.read_text().splitlines()
    events = [json.loads(line) for line in lines if not line.startswith("tag-compliance: ")]
    assert all({"time", "level", "event"} <= set(event) for event in events)
    assert any("dagster" in event.get("logger", "") for event in events), "Dagster's own events"
    (started,) = [event for event in events if event["event"] == "started"]
    assert started["metrics"] == f"http://localhost:{up.port}/metrics"


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_up_prints_what_to_open_and_is_quiet_while_nothing_happens(place: Place) -> None:
    with start_up(place) as up:
        eventually(lambda: up.has_snapshot, 120)
        home = place.state / "dagster"
        looked = eventually(lambda: ticks_after_the_scan(home), 120)
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(60) == 0
        lines = up.log.read_text().splitlines()
    assert looked
    start = lines.index("tag-compliance: started; stop it with Ctrl-C")
    assert lines[start + 1 : start + 4] == [
        f"  dagster  http://localhost:{up.ui_port}",
        f"  page     http://localhost:{up.port}",
        f"  metrics  http://localhost:{up.port}/metrics",
    ]
    assert [line for line in lines if "skipped" in line or "sensor" in line.lower()] == []


def ticks_after_the_scan(home: Path) -> bool:
    """Whether the sensor has looked since the first scan was published, and had nothing to do."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return any(
            "the latest scan started at" in (tick.skip_reason or "")
            and tick.timestamp > run.create_timestamp.timestamp()
            for run in instance.get_run_records(dg.RunsFilter(job_name="publish"))
            for state in instance.all_instigator_state()
            for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
        )


_SHUTDOWN_BODY = (
    '{"query": "mutation { shutdownRepositoryLocation('
    'repositoryLocationName: \\"tag_compliance\\") { __typename } }"}'
)
_SHUTDOWN = "/graphql?query=mutation%7BshutdownRepositoryLocation%7B__typename%7D%7D"


def _ui_status(
    port: int, path: str, host: str = "127.0.0.1", method: str = "GET", **headers: str
) -> int:
    """The status of a response of Dagster's UI."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        sent = {"Host": f"{host}:{port}", "Content-Type": "text/plain", **headers}
        body = _SHUTDOWN_BODY if method == "POST" else None
        connection.request(method, path, body, headers=sent)
        return connection.getresponse().status


def is_free(home: Path) -> bool:
    try:
        with locked(home):
            return True
    except BadConfiguration:
        return False


@pytest.mark.timeout(240)
def test_a_second_up_exits_2_and_a_killed_one_leaves_neither_a_process_nor_the_lock(
    place: Place,
) -> None:
    home = place.state / "dagster"
    with start_up(place) as up:
        eventually(lambda: up.answers("/server_info", up.ui_port), 120)
        assert _ui_status(up.ui_port, "/") == 200
        assert _ui_status(up.ui_port, _SHUTDOWN) == 403
        evil = {"Origin": "https://evil.example", "method": "POST"}
        assert _ui_status(up.ui_port, "/graphql", **evil) == 403
        assert _ui_status(up.ui_port, "/", host="rebound.example") == 403
        workspace = (home / "workspace.yaml").read_text()
        second = place.run("up", "--port", str(up.port), "--ui-port", "0")
        assert second.returncode == 2
        (line,) = error_lines(second.stderr)
        assert line.startswith(f"tag-compliance: {home}: another `up` uses this folder; stop it")
        assert (home / "workspace.yaml").read_text() == workspace

        tree = descendants(up.process.pid)
        assert len(tree) > 4
        up.process.kill()
        eventually(lambda: not alive(tree), 10)
        eventually(lambda: is_free(home), 10)
