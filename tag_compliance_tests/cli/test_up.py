"""`tag-compliance up`: one process tree whose processes stop together."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance_tests.endurance.processes import alive, descendants
from tag_compliance_tests.endurance.up import start_up
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.program import Program, error_lines
from tag_compliance_tests.support.waiting import eventually


def planned_in(home: Path) -> list[str | None]:
    """The account of each event of the first run that plans to read accounts."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        run = instance.get_runs()[-1]
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
        entries = instance.all_logs(run.run_id, of_type=kind)
        events = [entry.dagster_event for entry in entries if entry.dagster_event]
        return [e.partition for e in events if e.asset_key == dg.AssetKey("raw_resources")]


@pytest.mark.timeout(240)
def test_the_first_scan_starts_automatically_and_a_killed_daemon_stops_everything(
    place: Place,
) -> None:
    with start_up(place, "--refresh-interval", "10") as up:
        eventually(lambda: up.has_snapshot, 120)
        eventually(lambda: up.answers("/server_info", up.ui_port), 60)
        tree = descendants(up.process.pid)
        assert (place.state / "dagster" / "dagster.yaml").is_file()
        assert planned_in(place.state / "dagster") == [None], "one event for all accounts"
        (daemon,) = [process for process in tree if "dagster._daemon" in process.command]
        os.kill(daemon.pid, signal.SIGKILL)

        assert up.process.wait(60) == 1
        assert error_lines(up.log.read_text()) == [
            "tag-compliance: the daemon ended with signal 9; stopping the others"
        ]
        assert alive(tree) == []


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_sigterm_stops_everything_and_keeps_the_dagster_yaml_of_the_user(place: Place) -> None:
    home = place.folder / "home-of-dagster"
    home.mkdir()
    settings = home / "dagster.yaml"
    settings.write_text("telemetry:\n  enabled: false\n")
    with start_up(place, DAGSTER_HOME=str(home)) as up:
        eventually(lambda: up.answers("/livez", up.port), 120)
        eventually(lambda: up.answers("/server_info", up.ui_port), 120)
        tree = descendants(up.process.pid)
        up.process.send_signal(signal.SIGTERM)

        assert up.process.wait(90) == 0
        assert alive(tree) == []
        assert settings.read_text() == "telemetry:\n  enabled: false\n"
        assert "Traceback" not in up.log.read_text()


@pytest.mark.parametrize("flag", ["--port", "--ui-port"])
def test_a_port_in_use_is_reported_in_one_line_before_anything_starts(
    program: Program, flag: str
) -> None:
    other = {"--port": "--ui-port", "--ui-port": "--port"}[flag]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = program.run("up", "--host", "127.0.0.1", flag, str(port), other, "0")
    assert ended.code == 1
    (line,) = error_lines(ended.err)
    assert line.startswith(
        f"tag-compliance: cannot listen on 127.0.0.1 port {port}: Address already in use"
    )
    assert not program.place.state.exists()
