"""`tag-compliance up`: one process tree whose processes stop together."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance_tests.endurance.processes import alive, descendants
from tag_compliance_tests.endurance.up import start_up
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
