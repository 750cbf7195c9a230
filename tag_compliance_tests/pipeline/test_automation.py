"""What starts runs by itself: the schedule's ticks and the catch-up sensor's, one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from tag_compliance.pipeline.automation import build_catch_up_sensor, build_schedule
from tag_compliance.pipeline.runs import ACCOUNT_TAG, JOB, ONE_AT_A_TIME, TRIGGER_TAG

from tag_compliance.pipeline.cadence import Cadence
from tag_compliance.pipeline.heartbeat import HEARTBEATS
from tag_compliance_tests.pipeline.pipelines import Pipeline, make_older
from tag_compliance_tests.pipeline.ticks import Answer, look, tick

IDS = ["100000000000", "100000000001", "100000000002"]
SINGLE_RUN = timedelta(minutes=10)
Status = dg.DagsterRunStatus


@pytest.fixture
def idle(tmp_path: Path, kept_instance: dg.DagsterInstance) -> Pipeline:
    """Three accounts, every five minutes, and nothing has run yet."""
    pipeline = Pipeline(tmp_path, kept_instance)
    pipeline.configure(IDS)
    return pipeline


def test_a_tick_asks_for_one_run_over_all_accounts(idle: Pipeline) -> None:
    request = tick(idle, datetime(2026, 5, 4, 12, 5, tzinfo=UTC)).request
    assert request.run_key == "schedule-2026-05-04T12:05Z"
    assert request.tags == {
        TRIGGER_TAG: "schedule",
        "dagster/asset_partition_range_start": IDS[0],
        "dagster/asset_partition_range_end": IDS[-1],
        "dagster/schedule_name": "scan_schedule",
        **ONE_AT_A_TIME,
    }
    assert request.asset_selection is None
    assert idle.partitions() == IDS


def test_a_tick_too_early_is_skipped_and_says_so(idle: Pipeline) -> None:
    idle.note(Status.SUCCESS)
    assert tick(idle, datetime.now(UTC)).reason.startswith("the next scan is due 300 s after")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.STARTING, Status.STARTED])
def test_a_tick_is_skipped_while_a_scan_runs_and_names_the_run(
    idle: Pipeline, status: dg.DagsterRunStatus
) -> None:
    run_id = idle.note(status)
    assert tick(idle).reason == f"a scan is still running: run {run_id}"


def test_a_materialization_of_raw_resources_from_the_ui_is_a_scan_that_runs(
    idle: Pipeline,
) -> None:
    run_id = idle.note(Status.STARTED, assets=["raw_resources"])
    assert tick(idle).reason == f"a scan is still running: run {run_id}"


def test_a_materialization_of_other_assets_holds_no_scan_up(idle: Pipeline) -> None:
    idle.note(Status.STARTED, assets=["metric_snapshot"])
    assert len(tick(idle).requests) == 1


def test_the_first_scan_starts_at_once(idle: Pipeline) -> None:
    request = look(idle).request
    assert (request.run_key, request.tags[TRIGGER_TAG]) == ("catch-up-after-none", "catch-up")


def test_nothing_is_caught_up_while_the_newest_scan_is_fresh(idle: Pipeline) -> None:
    make_older(idle.instance, idle.note(Status.SUCCESS), timedelta(seconds=350))
    assert look(idle).reason.startswith("the newest scan began at ")


def test_a_missed_tick_is_caught_up(idle: Pipeline) -> None:
    make_older(idle.instance, idle.note(Status.SUCCESS), timedelta(seconds=370))
    request = look(idle).request
    assert str(request.run_key).startswith("catch-up-after-2")


def test_the_same_missed_tick_is_caught_up_under_the_same_key(idle: Pipeline) -> None:
    make_older(idle.instance, idle.note(Status.SUCCESS), timedelta(seconds=370))
    assert look(idle).request.run_key == look(idle).request.run_key


def test_less_than_a_minute_is_scanned_without_waiting_for_cron(idle: Pipeline) -> None:
    make_older(idle.instance, idle.note(Status.SUCCESS), timedelta(seconds=31))
    assert len(look(idle, seconds=30).requests) == 1
    assert not look(idle, seconds=40).requests


def test_the_scan_of_a_single_account_is_no_reason_to_leave_out_the_next(idle: Pipeline) -> None:
    make_older(idle.instance, idle.note(Status.SUCCESS), timedelta(seconds=370))
    idle.note(Status.SUCCESS, tags={ACCOUNT_TAG: IDS[0]})
    assert len(look(idle).requests) == 1


def test_a_run_whose_process_died_is_told_as_failed_and_not_waited_for(idle: Pipeline) -> None:
    run_id = idle.note(Status.STARTED)
    make_older(idle.instance, run_id, SINGLE_RUN)
    assert len(tick(idle).requests) == 1
    run = idle.instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is Status.FAILURE
    told = [entry.message for entry in idle.instance.all_logs(run_id)]
    assert any("No heartbeat: its process was killed" in message for message in told)


def test_a_run_that_beats_is_waited_for_however_long_it_takes(idle: Pipeline) -> None:
    run_id = idle.note(Status.STARTED)
    make_older(idle.instance, run_id, timedelta(hours=3))
    beat = datetime.now(UTC) - timedelta(seconds=60)
    idle.storage.write(f"{HEARTBEATS}/{run_id}", beat.isoformat().encode())
    assert tick(idle).reason == f"a scan is still running: run {run_id}"


def test_a_run_whose_last_beat_is_old_is_dead(idle: Pipeline) -> None:
    run_id = idle.note(Status.STARTED)
    make_older(idle.instance, run_id, timedelta(hours=3))
    beat = datetime.now(UTC) - timedelta(seconds=120)
    idle.storage.write(f"{HEARTBEATS}/{run_id}", beat.isoformat().encode())
    assert len(tick(idle).requests) == 1


def test_a_queued_run_is_waited_for(idle: Pipeline) -> None:
    run_id = idle.note(Status.QUEUED)
    make_older(idle.instance, run_id, timedelta(hours=3))
    assert tick(idle).reason == f"a scan is still running: run {run_id}"


def test_a_run_without_a_heartbeat_for_silence_seconds_is_dead(idle: Pipeline) -> None:
    idle.configure(IDS, silence_seconds=5)
    make_older(idle.instance, idle.note(Status.STARTED), timedelta(seconds=6))
    assert len(tick(idle).requests) == 1


@pytest.mark.parametrize("ask", [tick, look])
def test_a_configuration_with_faults_asks_for_the_run_that_names_them(
    idle: Pipeline, ask: Callable[[Pipeline], Answer]
) -> None:
    idle.config_path.write_text("unknown: 1\n")
    request = ask(idle).request
    assert request.asset_selection == [dg.AssetKey("scan_config")]


def test_an_account_added_or_removed_shows_without_a_scan(idle: Pipeline) -> None:
    idle.note(Status.SUCCESS)
    look(idle)
    idle.configure([IDS[1], "100000000009"])
    assert not look(idle).requests
    assert idle.partitions() == [IDS[1], "100000000009"]


def test_partitions_stay_as_they_are_while_a_scan_runs(idle: Pipeline) -> None:
    look(idle)
    idle.note(Status.STARTED)
    idle.configure(IDS[:1])
    look(idle)
    assert idle.partitions() == IDS


def test_ticks_are_of_the_job_that_scans() -> None:
    assert build_schedule(Cadence(300), []).job_name == JOB
    assert build_catch_up_sensor(Cadence(300), []).job_name == JOB
