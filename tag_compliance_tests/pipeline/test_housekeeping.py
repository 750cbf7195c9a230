"""Old runs are deleted, except those that the UI shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance.pipeline.heartbeat import HEARTBEATS
from tag_compliance.pipeline.housekeeping import JOB, delete_runs
from tag_compliance.pipeline.run_tags import definitions_tags
from tag_compliance_tests.fake_aws import FakeAws
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.pipelines import Pipeline, make_older

Status = dg.DagsterRunStatus
OLD = timedelta(days=15)


@pytest.fixture
def keeping(tmp_path: Path, kept_instance: dg.DagsterInstance, fake: FakeAws) -> Pipeline:
    """With an instance in a folder, where compute logs are files."""
    pipeline = Pipeline(tmp_path, kept_instance)
    pipeline.configure(ids_of(fake), retain_runs_days=14, retain_snapshots=2)
    return pipeline


def housekeep(pipeline: Pipeline) -> None:
    job = pipeline.definitions().resolve_job_def(JOB)
    assert job.execute_in_process(instance=pipeline.instance).success


def reading_run(pipeline: Pipeline) -> str:
    (request,) = pipeline.requests()
    return pipeline.run(request).run_id


def publishing_run(pipeline: Pipeline) -> str:
    return pipeline.scan().run_id


def run_ids(pipeline: Pipeline) -> set[str]:
    return {record.dagster_run.run_id for record in pipeline.instance.get_run_records()}


def test_old_runs_are_deleted_with_their_events_and_logs(keeping: Pipeline) -> None:
    gone, stays = publishing_run(keeping), publishing_run(keeping)
    make_older(keeping.instance, gone, OLD)
    folder = Path(keeping.instance.storage_directory(), gone)
    assert list(folder.rglob("*.err"))
    assert keeping.instance.all_logs(gone)
    housekeep(keeping)
    assert gone not in run_ids(keeping)
    assert stays in run_ids(keeping)
    assert not keeping.instance.all_logs(gone)
    assert keeping.instance.all_logs(stays)
    assert not folder.exists()


def test_the_latest_materialization_of_a_partition_is_kept_however_old_it_is(
    keeping: Pipeline, fake: FakeAws
) -> None:
    """Only the oldest run has read the third account; the UI shows nothing of the middle run."""
    first, second, third = ids_of(fake)
    shown = reading_run(keeping)
    keeping.configure([first, second])
    middle, newest = reading_run(keeping), reading_run(keeping)
    keeping.configure([first, second, third])
    keeping.requests()
    for run_id in (shown, middle, newest):
        make_older(keeping.instance, run_id, OLD)
    housekeep(keeping)
    assert {shown, newest} <= run_ids(keeping)
    assert middle not in run_ids(keeping)
    latest = keeping.instance.get_latest_storage_id_by_partition(
        dg.AssetKey("raw_resources"),
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        {first, second, third},
    )
    assert set(latest) == {first, second, third}
    assert keeping.instance.all_logs(shown)


@pytest.mark.parametrize("status", [Status.STARTED, Status.QUEUED])
def test_an_unfinished_run_is_kept(keeping: Pipeline, status: dg.DagsterRunStatus) -> None:
    run_id = keeping.note(status)
    make_older(keeping.instance, run_id, OLD)
    housekeep(keeping)
    assert run_id in run_ids(keeping)


def test_more_runs_than_fit_into_a_page_are_deleted_at_once(pipeline: Pipeline) -> None:
    for number in range(450):
        run = dg.DagsterRun(
            "scan", run_id=f"run-{number}", status=Status.SUCCESS, tags=definitions_tags([])
        )
        pipeline.instance.add_run(run)
        make_older(pipeline.instance, run.run_id, OLD)
    assert delete_runs(pipeline.instance, 14, []) == 450
    assert not run_ids(pipeline)


def test_old_snapshots_and_heartbeats_of_killed_runs_are_deleted(keeping: Pipeline) -> None:
    for _ in range(3):
        keeping.scan()
    keeping.configure(
        [a.account_id for a in keeping.config().aws_account_matrix], retain_snapshots=1
    )
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
