"""Ticks of the schedule: when a scan is requested, and why one is skipped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from tag_compliance.domain.clock import utc_now
from tag_compliance.pipeline.heartbeat import HEARTBEATS
from tag_compliance.pipeline.run_tags import PUBLISH_JOB, PUBLISHES_TAG, SCAN_JOB, TRIGGER_TAG
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.ticks import tick

HOURS = timedelta(hours=3)
Status = dg.DagsterRunStatus


def test_a_tick_requests_a_scan_of_all_accounts(idle: Pipeline) -> None:
    request = tick(idle, datetime(2026, 5, 4, 12, 5, tzinfo=UTC)).request
    assert (request.job_name, request.run_key) == (SCAN_JOB, "schedule-2026-05-04T12:05Z-1")
    assert request.tags[TRIGGER_TAG] == "schedule"
    assert idle.partitions() == idle.ids


def test_a_tick_before_the_interval_has_passed_is_skipped(idle: Pipeline) -> None:
    idle.note(Status.SUCCESS, {TRIGGER_TAG: "schedule"})
    assert tick(idle, utc_now()).reason.startswith("the next scan is due 300 s after")


def running(run_id: str) -> str:
    return f"a scan is still running: run {run_id}"


@pytest.mark.parametrize("job", [SCAN_JOB, PUBLISH_JOB])
@pytest.mark.parametrize("status", [Status.QUEUED, Status.STARTING, Status.STARTED])
def test_a_tick_is_skipped_while_a_scan_is_read_or_published_and_names_the_run(
    idle: Pipeline, status: dg.DagsterRunStatus, job: str
) -> None:
    run_id = idle.note(status, job=job)
    assert tick(idle).reason == running(run_id)


def test_of_the_materializations_from_the_ui_only_that_of_raw_resources_delays_a_scan(
    idle: Pipeline,
) -> None:
    idle.note(Status.STARTED, assets=["compliance_results"])
    assert len(tick(idle).requests) == 1
    run_id = idle.note(Status.STARTED, assets=["raw_resources"])
    assert tick(idle).reason == running(run_id)


@pytest.mark.parametrize("job", [SCAN_JOB, PUBLISH_JOB])
def test_a_run_whose_process_died_is_marked_as_failed_and_what_it_had_read_is_published(
    idle: Pipeline, job: str
) -> None:
    run_id = idle.note(Status.STARTED, job=job, older_by=timedelta(minutes=10))
    unpublished = f"what run {run_id} has read is still to be published"
    assert tick(idle).reason == (unpublished if job == SCAN_JOB else "")
    assert idle.status_of(run_id) is Status.FAILURE
    messages = [entry.message for entry in idle.instance.all_logs(run_id)]
    assert any("No heartbeat: its process was killed" in message for message in messages)
    publishing = idle.note(Status.QUEUED, {PUBLISHES_TAG: run_id}, job=PUBLISH_JOB)
    assert tick(idle).reason == running(publishing)


@pytest.mark.parametrize(("seconds", "alive"), [(60, True), (120, False)])
def test_a_run_is_alive_while_its_last_heartbeat_is_recent(
    idle: Pipeline, seconds: int, alive: bool
) -> None:
    run_id = idle.note(Status.STARTED, older_by=HOURS)
    beat = utc_now() - timedelta(seconds=seconds)
    idle.storage.write(f"{HEARTBEATS}/{run_id}", beat.isoformat().encode())
    tick(idle)
    assert idle.status_of(run_id) is (Status.STARTED if alive else Status.FAILURE)


def test_a_queued_run_is_waited_for_however_old_it_is(idle: Pipeline) -> None:
    run_id = idle.note(Status.QUEUED, older_by=HOURS)
    assert tick(idle).reason == running(run_id)


def test_a_run_without_a_heartbeat_for_silence_seconds_is_dead(idle: Pipeline) -> None:
    idle.configure(silence_seconds=5)
    run_id = idle.note(Status.STARTED, older_by=timedelta(seconds=6))
    tick(idle)
    assert idle.status_of(run_id) is Status.FAILURE
