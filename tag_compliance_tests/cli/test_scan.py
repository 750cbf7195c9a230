"""`tag-compliance scan`: streams, exit codes, output, signals, and where the run is recorded."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import termios
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance.domain.counts import format_percentage
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.process import PROGRAM, Place
from tag_compliance_tests.support.program import Program, error_lines
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS

ACCOUNT = "100000000000"


def families(exposition: str) -> set[str]:
    return Exposition(exposition).names


def test_the_exposition_goes_to_stdout_and_the_summary_to_stderr(program: Program) -> None:
    ended = program.run("scan")
    assert ended.code == 0
    assert {"compliance_percentage", "resources_scanned_total"} <= families(ended.out)
    snapshot = next(program.place.state.glob("snapshots/*/metrics.txt"))
    assert ended.out == snapshot.read_text(), "nothing else is on stdout"
    assert "complete: 6 of 6 regions of 3 accounts read in " in ended.err
    assert "%|" not in ended.err, "no progress bar if stderr is not a terminal"


def test_the_summary_shows_the_four_numbers_and_for_each_account_the_counted_resources(
    program: Program,
) -> None:
    program.configure(program.fake.organization, excluded_resource_types=["sqs:*", "s3"])
    ended = program.run("scan", "--log-level", "error")
    published = program.published()
    assert published is not None
    counts = published.status.counts
    assert counts.returned == 180
    assert counts.excluded > 0
    assert counts.counted == counts.returned - counts.excluded
    lines = ended.err.splitlines()
    numbers = f"{counts.excluded} excluded, {counts.counted} counted, {counts.compliant} compliant"
    assert lines[1] == f"180 resources returned, {numbers}"
    percentage = format_percentage(counts.compliance_percentage)
    assert lines[2] == f"{percentage} have every required tag"
    rows = [line.split() for line in lines if line.startswith("  1")]
    assert rows == [
        [
            *(account.account_id, account.account_name, str(account.counts.counted)),
            *format_percentage(account.counts.compliance_percentage).split(),
            "ok",
        ]
        for account in published.status.accounts
    ]
    assert sum(int(row[2]) for row in rows) == counts.counted


def test_a_partial_scan_publishes_what_was_read_with_exit_code_3(program: Program) -> None:
    program.fake.faults.add(Fault.ACCESS_DENIED, account_id=ACCOUNT, operation="GetResources")
    ended = program.run("scan")
    assert ended.code == 3
    assert ACCOUNT in ended.err
    assert "partial: 4 of 6 regions of 3 accounts read in " in ended.err
    assert f'compliance_percentage{{account_name="{ACCOUNT}"' not in ended.out
    assert "compliance_percentage{" in ended.out


def test_a_scan_that_reads_nothing_writes_no_metrics_and_exits_1(program: Program) -> None:
    program.fake.faults.add(Fault.ACCESS_DENIED)
    ended = program.run("scan")
    assert ended.code == 1
    assert ended.out == ""
    (line,) = error_lines(ended.err)
    assert "nothing could be scanned" in line


def test_scanning_an_account_that_is_not_configured_exits_2(program: Program) -> None:
    ended = program.run("scan", "--account", "123412341234")
    assert ended.code == 2
    (line,) = error_lines(ended.err)
    assert "no such account in config.yaml" in line


def test_the_output_file_is_replaced_atomically_and_stdout_stays_empty(program: Program) -> None:
    file = program.place.folder / "there" / "metrics.prom"
    file.parent.mkdir()
    file.write_text("old")
    with file.open() as reader:
        ended = program.run("scan", "--output", str(file))
        assert reader.read() == "old", "an open reader keeps the complete old file"
    assert ended.code == 0
    assert ended.out == ""
    assert "compliance_percentage" in families(file.read_text())
    assert [path.name for path in file.parent.iterdir()] == ["metrics.prom"]


def test_output_to_a_link_or_a_pipe_replaces_neither(program: Program) -> None:
    folder = program.place.folder
    (folder / "link.prom").symlink_to(folder / "target.prom")
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 1_000_000)  # room for all of it without a reader
    try:
        assert program.run("scan", "--output", "link.prom").code == 0
        assert program.run("scan", "--output", "pipe").code == 0
        assert os.read(reader, 100).startswith(b"# HELP")
    finally:
        os.close(reader)
    assert (folder / "link.prom").is_symlink()
    assert (folder / "target.prom").is_file()
    assert (folder / "pipe").is_fifo()


@pytest.mark.parametrize("output", ["file/metrics.prom", "."])
def test_an_output_file_that_cannot_be_written_is_reported_in_one_line(
    program: Program, output: str
) -> None:
    (program.place.folder / "file").write_text("old")
    ended = program.run("scan", "--output", output)
    assert ended.code == 1
    assert ended.out == ""
    (line,) = error_lines(ended.err)
    assert line.startswith(f"tag-compliance: cannot write {output}: ")
    assert (program.place.folder / "file").read_text() == "old"


def test_the_progress_bar_is_shown_on_a_terminal(place: Place) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (24, 100))
    metrics = place.folder / "stdout"
    with metrics.open("w") as stdout:
        process = place.start("scan", stdout=stdout, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the other side of the terminal is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(DEADLINE_SECONDS) == 0
    assert b"/6 [" in shown
    assert b"region" in shown
    assert "compliance_percentage" in families(metrics.read_text())


def test_every_json_log_line_is_an_event(program: Program) -> None:
    program.fake.faults.add(Fault.ACCESS_DENIED, account_id=ACCOUNT)
    ended = program.run("scan", "--log-format", "json")
    events = [json.loads(line) for line in ended.err.splitlines() if line.startswith("{")]
    read = [event for event in events if event["event"] == "account read"]
    assert len(read) == 2
    assert {"time", "level", "account", "resources", "seconds"} <= set(read[0])
    assert {event["level"] for event in events} == {"info", "warning"}
    lines = [line for line in ended.err.splitlines() if not line.startswith("{")]
    assert lines[0].startswith("partial: "), "besides the log there is only the summary"


def test_a_complete_scan_logs_nothing_at_level_error(program: Program) -> None:
    ended = program.run("scan", "--log-level", "error")
    assert ended.err.startswith("complete: ")


def test_without_dagster_home_only_the_storage_is_written(place: Place) -> None:
    def files() -> set[Path]:
        return {path for path in place.folder.rglob("*") if path.is_file()}

    before = files()
    assert place.run("scan").returncode == 0
    assert {path for path in files() - before if place.state not in path.parents} == set()


def test_with_dagster_home_both_runs_are_recorded_in_that_instance(
    program: Program,
) -> None:
    program.fake.faults.add(Fault.ACCESS_DENIED, account_id=ACCOUNT)
    os.environ["DAGSTER_HOME"] = "dagster"  # relative, and created by the command
    assert program.run("scan").code == 3

    home = program.place.folder / "dagster"
    with dg.DagsterInstance.from_config(str(home)) as instance:
        publishing, reading = instance.get_runs()
        assert (reading.job_name, publishing.job_name) == ("scan", "publish")
        assert reading.status is publishing.status is dg.DagsterRunStatus.SUCCESS
        assert len(instance.get_dynamic_partitions("account")) == 3
        outcomes = {
            event.partition_key: event.asset_materialization.metadata["outcome"].value
            for event in instance.fetch_materializations(
                dg.AssetKey("raw_resources"), limit=10
            ).records
            if event.asset_materialization is not None
        }
        assert str(outcomes.pop(ACCOUNT)).startswith("failed: ")
        assert list(outcomes.values()) == ["read", "read"]
        checks = {
            check.check_name: check.passed
            for event in instance.all_logs(publishing.run_id)
            if event.dagster_event is not None
            and event.dagster_event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
            for check in [event.dagster_event.asset_check_evaluation_data]
        }
        assert checks["every_account_read"] is False
        assert not instance.telemetry_enabled


def test_each_account_adds_one_row_to_the_event_log_of_dagster(program: Program) -> None:
    os.environ["DAGSTER_HOME"] = "dagster"
    assert program.run("scan").code == 0
    with dg.DagsterInstance.from_config(str(program.place.folder / "dagster")) as instance:
        of_accounts = [
            entry.dagster_event.event_type
            for run in instance.get_runs()
            for entry in instance.all_logs(run.run_id)
            if entry.dagster_event is not None
            and entry.dagster_event.asset_key == dg.AssetKey("raw_resources")
        ]
        # One for each of the three accounts, and one that plans them all.
        assert Counter(of_accounts) == {
            dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED: 1,
            dg.DagsterEventType.ASSET_MATERIALIZATION: 3,
        }


def test_a_dagster_home_that_cannot_be_created_is_reported_in_one_line(program: Program) -> None:
    (program.place.folder / "file").write_text("")
    os.environ["DAGSTER_HOME"] = str(program.place.folder / "file" / "home")
    ended = program.run("scan")
    assert ended.code == 1
    (line,) = error_lines(ended.err)
    assert "DAGSTER_HOME" in line


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_stops_a_hanging_scan_and_leaves_the_output_and_the_storage_unchanged(
    place: Place, fake: FakeAws, number: signal.Signals, code: int
) -> None:
    (place.folder / "metrics.prom").write_text("old")
    # A scan that ignored the signal would run longer than the test waits.
    write_config(place.folder, fake.organization, region_deadline=600)
    fake.faults.add(Fault.HANG, operation="GetResources")
    process = place.start("scan", "--output", "metrics.prom")
    assert fake.calls.wait_for("GetResources", timeout=DEADLINE_SECONDS)
    process.send_signal(number)
    out, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == code
    assert out == ""
    assert "Traceback" not in err
    assert (place.folder / "metrics.prom").read_text() == "old"
    assert not (place.state / "snapshots").exists()
    assert not list(place.state.rglob("*.unfinished"))


def test_a_reader_that_takes_one_line_of_the_metrics_causes_no_traceback(place: Place) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{PROGRAM[0]} -m tag_compliance scan | head -1"],
        cwd=place.folder,
        env=place.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("# HELP ")
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
