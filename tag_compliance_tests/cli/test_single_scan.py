"""`tag-compliance scan`: streams, exit codes, output, signals, and where the run is recorded."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import termios
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest
import yaml

from tag_compliance.domain.counts import COVERAGE
from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.forked import ForkServer
from tag_compliance_tests.support.process import PROGRAM, Place
from tag_compliance_tests.support.program import Program
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS

ACCOUNT = "100000000000"


def test_the_exposition_goes_to_stdout_and_the_summary_to_stderr(program: Program) -> None:
    ended = program.run("scan")
    assert ended.code == 0
    assert {"compliance_percentage", "resources_scanned_total"} <= ended.exposition.names
    snapshot = next(program.place.state.glob("snapshots/*/metrics.txt"))
    assert ended.out == snapshot.read_text(), "nothing else is on stdout"
    assert "complete: 6 of 6 regions of 3 accounts read in " in ended.err
    assert COVERAGE in ended.err.splitlines()
    assert "%|" not in ended.err, "no progress bar if stderr is not a terminal"


def test_a_partial_scan_publishes_what_was_read_with_exit_code_3(program: Program) -> None:
    program.fake.faults.add(Fault.ACCESS_DENIED, account_id=ACCOUNT, operation="GetResources")
    ended = program.run("scan", "--log-level", "error")
    assert ended.code == 3
    first, *lines = ended.err.splitlines()
    assert first.startswith("partial: 4 of 6 regions of 3 accounts read in ")
    (line,) = [line for line in lines if line.startswith(f"  {ACCOUNT}  {ACCOUNT} ")]
    assert line.split() == [ACCOUNT, ACCOUNT, *["0", "of", "2", "regions", "read"]]
    assert "account not fully read" not in ended.err, "each failure is reported once"
    assert sum(line.endswith(" %  ok") for line in lines) == 2
    (failure,) = [line for line in lines if line.startswith("not read: ")]
    assert failure.startswith(f"not read: {ACCOUNT} ")
    samples = ended.exposition.samples
    read = {s.labels["account_id"] for s in samples if s.name == "compliance_percentage"}
    assert len(read) == 2
    assert ACCOUNT not in read


def test_the_json_summary_reports_a_failure_once_however_many_regions_it_concerns(
    program: Program,
) -> None:
    program.fake.faults.add(Fault.ACCESS_DENIED, account_id=ACCOUNT, operation="AssumeRole")
    ended = program.run("scan", "--format", "json")
    assert ended.out.count("is not authorized") == 1
    assert ended.err.count("is not authorized") == 1, "in the summary for people"


def test_the_summary_names_exclusions_that_match_no_resource_unless_one_account_was_scanned(
    program: Program,
) -> None:
    program.configure(program.fake.organization, excluded_resource_types=["pod", "s3:*"])
    line = "excluded_resource_types: no resource matches pod"
    assert line in program.run("scan").err.splitlines()
    assert line not in program.run("scan", "--account", ACCOUNT).err.splitlines()


def test_scanning_an_account_that_is_not_configured_exits_2(program: Program) -> None:
    line = program.fails(2, "scan", "--account", "123412341234")
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
    assert "compliance_percentage" in Exposition(file.read_text()).names
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
    line = program.fails(1, "scan", "--output", output)
    assert line.startswith(f"tag-compliance: cannot write {output}: ")
    assert (program.place.folder / "file").read_text() == "old"


def shown_on_a_terminal(place: Place, *arguments: str, stdout: bool = False) -> str:
    """What a scan shows on a terminal: its stderr, and its stdout too if asked for."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (24, 100))
    with (place.folder / "stdout").open("w") as file, os.fdopen(ours, "rb", 0) as terminal:
        process = place.start("scan", *arguments, stdout=theirs if stdout else file, stderr=theirs)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the other side of the terminal is closed
            while piece := terminal.read(65536):
                shown += piece
    assert process.wait(DEADLINE_SECONDS) in {0, 3}
    return shown.decode()


def test_the_progress_bar_counts_pages_and_ends_at_100_per_cent(
    tmp_path: Path, forks: ForkServer
) -> None:
    with FakeAws(generate_organization(1, ["us-east-1"], 950)) as fake:
        place = Place.create(tmp_path / "place", fake, forks)
        shown = shown_on_a_terminal(place)
    bars = [piece for piece in re.split("[\r\n]", shown) if "%|" in piece]
    assert "100%|" in bars[-1]
    assert "10/10 [" in bars[-1]
    assert "compliance_percentage" in Exposition((place.folder / "stdout").read_text()).names


def test_log_lines_and_the_progress_bar_do_not_mix(place: Place) -> None:
    shown = shown_on_a_terminal(place)
    lines = [line for line in shown.split("\n") if "account read" in line]
    assert len(lines) == 3
    for line in lines:
        visible = line.rstrip("\r").rpartition("\r")[2]
        assert re.fullmatch(r"(\x1b\[A)?\d{4}-\S+ info +account read .*", visible), repr(line)


def test_on_a_terminal_a_scan_shows_the_summary_and_where_the_metrics_are(place: Place) -> None:
    shown = shown_on_a_terminal(place, "--log-level", "error", stdout=True)
    assert "# HELP" not in shown
    assert shown.count(" regions of 3 accounts read in ") == 1
    (path,) = re.findall(r"metrics: (\S+); --format prometheus prints the metrics", shown)
    assert Path(path).read_text().startswith("# HELP")
    assert "\x1b[32mcomplete\x1b[0m" in shown


def test_the_format_decides_what_stdout_gets(program: Program) -> None:
    ended = program.run("scan", "--format", "json")
    document = json.loads(ended.out)
    assert (document["outcome"], len(document["accounts"])) == ("complete", 3)
    assert "complete: 6 of 6 regions" in ended.err

    ended = program.run("scan", "--format", "summary", "--output", "metrics.prom")
    assert ended.out.startswith("complete: 6 of 6 regions")
    assert "complete: 6 of 6 regions" not in ended.err
    assert (program.place.folder / "metrics.prom").read_text().startswith("# HELP")

    os.environ["TAG_COMPLIANCE_SCAN_FORMAT"] = "prometheus"
    assert program.run("scan", "--output", "-").out.startswith("# HELP")
    line = program.fails(2, "scan", "--output", "-", "--format", "json")
    assert "stdout cannot also have the metrics" in line


def test_output_and_push_target_are_tested_before_the_scan(program: Program) -> None:
    (program.place.folder / "file").write_text("old")
    program.fails(1, "scan", "--output", "file/metrics.prom")
    line = program.fails(1, "scan", "--push", "http://127.0.0.1:1")
    assert line.startswith("tag-compliance: cannot push to http://127.0.0.1:1: ")
    assert len(program.fake.calls) == 0
    assert not program.place.state.exists()


def test_an_account_can_be_named_by_its_name(program: Program) -> None:
    config = program.place.folder / "config.yaml"
    rows = yaml.safe_load(config.read_text())
    for row, name in zip(rows["aws_account_matrix"], ["shop", "web", "web"], strict=True):
        row["account_name"] = name
    config.write_text(yaml.safe_dump(rows))
    assert program.run("scan", "--account", "shop").code == 3, "the others are not scanned yet"
    called = {call.account_id for call in program.fake.calls.matching("GetResources")}
    assert called == {ACCOUNT}
    line = program.fails(2, "scan", "--account", "web")
    assert "2 accounts have this name; use an id: 100000000001, 100000000002" in line
    assert "did you mean shop?" in program.fails(2, "scan", "--account", "shp")


def test_every_json_log_line_is_an_event(program: Program) -> None:
    program.fake.faults.add(Fault.ACCESS_DENIED, account_id=ACCOUNT)
    ended = program.run("scan", "--log-format", "json")
    events = [json.loads(line) for line in ended.err.splitlines() if line.startswith("{")]
    read = [event for event in events if event["event"] == "account read"]
    assert len(read) == 2
    assert len(events) == 3, "each failure is one event"
    assert {"time", "level", "account", "resources", "seconds"} <= set(read[0])
    assert {event["level"] for event in events} == {"info", "warning"}
    lines = [line for line in ended.err.splitlines() if not line.startswith("{")]
    assert lines[0].startswith("partial: "), "except the log there is only the summary"


def test_a_complete_scan_logs_nothing_at_level_error(program: Program) -> None:
    ended = program.run("scan", "--log-level", "error")
    assert ended.err.startswith("complete: ")


def test_without_dagster_home_only_the_storage_is_written(place: Place) -> None:
    before = set(place.folder.rglob("*"))
    assert place.run("scan").returncode == 0
    added = set(place.folder.rglob("*")) - before
    assert {path for path in added if path.is_file() and place.state not in path.parents} == set()


def test_with_dagster_home_both_runs_are_recorded_with_two_events_for_each_account(
    program: Program,
) -> None:
    program.fake.faults.add(Fault.ACCESS_DENIED, account_id=ACCOUNT)
    os.environ["DAGSTER_HOME"] = "dagster"  # relative, and created by the command
    assert program.run("scan").code == 3

    with dg.DagsterInstance.from_config(str(program.place.folder / "dagster")) as instance:
        runs = instance.get_runs()
        ended = [(run.job_name, run.status.value) for run in runs]
        assert ended == [("publish", "SUCCESS"), ("scan", "FAILURE")]
        assert len(instance.get_dynamic_partitions("account")) == 3
        assert not instance.telemetry_enabled
        events = (entry.dagster_event for r in runs for entry in instance.all_logs(r.run_id))
        key = dg.AssetKey("raw_resources")
        of_accounts = Counter(
            event.event_type for event in events if event and event.asset_key == key
        )
    # One that plans the account, and one with what was read or why it failed.
    assert of_accounts == {
        dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED: 3,
        dg.DagsterEventType.ASSET_MATERIALIZATION: 2,
        dg.DagsterEventType.ASSET_OBSERVATION: 1,
    }


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


def test_the_next_scan_removes_the_temporary_files_of_a_killed_one(tmp_path: Path) -> None:
    with FakeAws(generate_organization(1, ["us-east-1"], 5)) as fake:
        rule = fake.faults.add(Fault.HANG, operation="GetResources")
        place = Place.create(tmp_path / "place", fake)
        with place.start("scan") as process:
            assert fake.calls.wait_for("GetResources", timeout=DEADLINE_SECONDS)
            assert fake.faults.injections(rule)
            process.kill()
        temporary = Path(place.environment["TMPDIR"])
        assert [*temporary.iterdir()]
        fake.faults.clear()
        assert place.run("scan").returncode == 0
        assert [*temporary.iterdir()] == []
