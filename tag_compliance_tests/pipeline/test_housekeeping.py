"""Old runs are deleted, except those that the UI shows."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.utils import make_new_run_id

from tag_compliance.pipeline.heartbeat import HEARTBEATS
from tag_compliance.pipeline.housekeeping import JOB, delete_runs
from tag_compliance.pipeline.resources import ProgressResource
from tag_compliance.pipeline.run_once import run_once
from tag_compliance_tests.fake_aws import FakeAws
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.recorded_runs import make_older, record, run_of

Status = dg.DagsterRunStatus
OLD = timedelta(days=15)


@pytest.fixture
def keeping(idle: Pipeline, fake: FakeAws) -> Pipeline:
    """With an instance in a folder, where compute logs are files."""
    idle.configure(retain_runs_days=14, retain_snapshots=1)
    return idle


def housekeep(pipeline: Pipeline) -> set[str]:
    """Returns the ids of the runs that are left."""
    job = pipeline.definitions().resolve_job_def(JOB)
    assert job.execute_in_process(instance=pipeline.instance).success
    return run_ids(pipeline)


def run_ids(pipeline: Pipeline) -> set[str]:
    return {record.dagster_run.run_id for record in pipeline.instance.get_run_records()}


def old_reading_run(pipeline: Pipeline, *accounts: str) -> str:
    pipeline.configure(accounts)
    run_id = pipeline.run(pipeline.requests()[0]).run_id
    make_older(pipeline.instance, run_id, OLD)
    return run_id


def test_old_runs_are_deleted_with_their_events_and_logs(keeping: Pipeline) -> None:
    gone, stays = keeping.scan().run_id, keeping.scan().run_id
    make_older(keeping.instance, gone, OLD)
    folder = Path(keeping.instance.storage_directory(), gone)
    assert list(folder.rglob("*.err"))
    assert keeping.instance.all_logs(gone)
    left = housekeep(keeping)
    assert gone not in left
    assert stays in left
    assert not keeping.instance.all_logs(gone)
    assert keeping.instance.all_logs(stays)
    assert not folder.exists()
    events = Path(keeping.instance.root_directory, "history", "runs")
    assert stays in {path.stem for path in events.iterdir()}
    assert gone not in {path.stem for path in events.iterdir()}, "its events are in this file"


def test_the_latest_materialization_of_a_partition_is_kept_however_old_it_is(
    keeping: Pipeline,
) -> None:
    """Only the oldest run has read the third account; the UI shows nothing of the middle run."""
    first, second, third = keeping.ids
    shown = old_reading_run(keeping, first, second, third)
    middle, newest = (old_reading_run(keeping, first, second) for _ in range(2))
    keeping.configure([first, second, third])
    keeping.requests()
    left = housekeep(keeping)
    assert {shown, newest} <= left
    assert middle not in left
    latest = keeping.instance.get_latest_storage_id_by_partition(
        dg.AssetKey("raw_resources"),
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        {first, second, third},
    )
    assert set(latest) == {first, second, third}
    assert keeping.instance.all_logs(shown)


@pytest.mark.parametrize("status", [Status.STARTED, Status.QUEUED])
def test_an_unfinished_run_is_kept(keeping: Pipeline, status: dg.DagsterRunStatus) -> None:
    assert keeping.note(status, older_by=OLD) in housekeep(keeping)


def test_of_the_old_runs_from_the_ui_only_those_of_our_assets_alone_are_deleted(
    keeping: Pipeline,
) -> None:
    ours = keeping.note(Status.FAILURE, assets=["raw_resources"], older_by=OLD)
    mixed = keeping.note(Status.FAILURE, assets=["raw_resources", "of_others"], older_by=OLD)
    left = housekeep(keeping)
    assert (ours in left, mixed in left) == (False, True)


def test_more_runs_than_fit_into_a_page_are_deleted_at_once(pipeline: Pipeline) -> None:
    for _ in range(450):
        run_id = record(pipeline.instance, run_of("scan", status=Status.SUCCESS), 0, 1)
        make_older(pipeline.instance, run_id, OLD)
    assert delete_runs(pipeline.instance, 14, []) == 450
    assert not pipeline.instance.get_run_records()


def test_old_snapshots_and_heartbeats_of_killed_runs_are_deleted(keeping: Pipeline) -> None:
    keeping.configure(retain_snapshots=3)
    keeping.scan()
    keeping.scan()
    keeping.configure(retain_snapshots=1)
    alive, killed = (f"{HEARTBEATS}/{make_new_run_id()}" for _ in range(2))
    for beat in (alive, killed):
        keeping.storage.write(beat, b"2026-01-01T00:00:00+00:00")
    os.utime(keeping.folder / "state" / killed, (0, 0))
    housekeep(keeping)
    current = keeping.current().snapshot_id
    assert {n.split("/")[1] for n in keeping.storage.names("snapshots/")} == {current}
    assert keeping.storage.names(f"{HEARTBEATS}/") == [alive]


def test_a_reading_run_deletes_what_killed_runs_left_before_it_writes(keeping: Pipeline) -> None:
    keeping.scan()
    state = keeping.folder / "state"
    left = [
        state / HEARTBEATS / make_new_run_id(),
        state / "snapshots/20260504T120100.000000Z-0b5c1e/metrics.txt",
        state / "tables/raw_resources/.100000000000.parquet.0123456789abcdef.unfinished",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_text("left")
        os.utime(path, (0, 0))
    keeping.run(keeping.requests()[0])
    assert not [path for path in left if path.exists()]


def test_a_scan_from_the_command_line_deletes_old_runs_if_no_daemon_does(
    keeping: Pipeline,
) -> None:
    def scan() -> None:
        home = {**os.environ, "DAGSTER_HOME": keeping.instance.root_directory}
        run_once(keeping.config(), keeping.config_path, home, ProgressResource())

    def housekeepings() -> int:
        return len(keeping.instance.get_run_records(dg.RunsFilter(job_name=JOB)))

    scan()
    old = run_ids(keeping)
    scan()
    assert (len(old), housekeepings()) == (2, 0), "there is nothing to delete yet"
    for run_id in old:
        make_older(keeping.instance, run_id, OLD)
    for _ in range(2):
        scan()
    assert not old & run_ids(keeping)
    assert housekeepings() == 1, "once a day"


def test_it_runs_once_a_day(keeping: Pipeline) -> None:
    schedule = keeping.definitions().resolve_schedule_def("housekeeping_schedule")
    assert schedule.cron_schedule == "17 3 * * *"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
