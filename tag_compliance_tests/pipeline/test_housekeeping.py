"""Old runs are deleted, except those that the UI shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance.pipeline.heartbeat import HEARTBEATS
from tag_compliance.pipeline.housekeeping import JOB, delete_runs
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
    alive = keeping.note(Status.STARTED)
    for run_id in (alive, "killed-long-ago"):
        keeping.storage.write(f"{HEARTBEATS}/{run_id}", b"2026-01-01T00:00:00+00:00")
    housekeep(keeping)
    current = keeping.current().snapshot_id
    assert {n.split("/")[1] for n in keeping.storage.names("snapshots/")} == {current}
    assert keeping.storage.names(f"{HEARTBEATS}/") == [f"{HEARTBEATS}/{alive}"]


def test_it_runs_once_a_day(keeping: Pipeline) -> None:
    schedule = keeping.definitions().resolve_schedule_def("housekeeping_schedule")
    assert schedule.cron_schedule == "17 3 * * *"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
