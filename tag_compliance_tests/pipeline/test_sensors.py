"""Ticks of the sensor: the first scan, missed scans, and the publication of what was read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorType

from tag_compliance.domain.read_status import Outcome
from tag_compliance.pipeline.heartbeat import HEARTBEATS
from tag_compliance.pipeline.run_tags import (
    ACCOUNT_TAG,
    PUBLISH_JOB,
    PUBLISHES_TAG,
    SCAN_JOB,
    SCAN_TAG,
    TRIGGER_TAG,
)
from tag_compliance_tests.fake_aws import FakeAws
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.recorded_runs import make_older
from tag_compliance_tests.pipeline.ticks import (
    Tick,
    evaluated,
    look,
    publish,
    scan_sensor,
    tick,
)

Status = dg.DagsterRunStatus


def note_scan(pipeline: Pipeline, seconds_ago: int) -> None:
    """A scan that was requested so long ago, and published."""
    older_by = timedelta(seconds=seconds_ago)
    run_id = pipeline.note(Status.SUCCESS, {TRIGGER_TAG: "schedule"}, older_by=older_by)
    pipeline.note(Status.SUCCESS, {PUBLISHES_TAG: run_id}, job=PUBLISH_JOB)


def test_the_first_scan_starts_at_once(idle: Pipeline) -> None:
    request = look(idle).request
    assert (request.run_key, request.tags[TRIGGER_TAG]) == ("catch-up-after-none-1", "catch-up")


def test_no_scan_is_started_while_the_latest_one_is_recent(idle: Pipeline) -> None:
    note_scan(idle, 350)
    assert look(idle).reason.startswith("the latest scan started at ")


def test_a_missed_scan_is_requested_under_a_key_of_its_own(idle: Pipeline) -> None:
    """So that two ticks do not start it twice."""
    note_scan(idle, 370)
    key = look(idle).request.run_key
    assert str(key).startswith("catch-up-after-2")
    assert look(idle).request.run_key == key


def test_an_interval_of_less_than_a_minute_does_not_wait_for_cron(idle: Pipeline) -> None:
    note_scan(idle, 31)
    assert len(look(idle, seconds=30).requests) == 1
    assert not look(idle, seconds=40).requests


def test_a_scan_of_a_single_account_does_not_replace_the_next_scan(idle: Pipeline) -> None:
    note_scan(idle, 370)
    idle.note(Status.SUCCESS, {TRIGGER_TAG: "cli", ACCOUNT_TAG: idle.ids[0]})
    idle.note(Status.SUCCESS, job=PUBLISH_JOB)
    assert len(look(idle).requests) == 1


@pytest.mark.parametrize("ask", [tick, look])
def test_with_a_faulty_configuration_a_run_is_requested_that_reports_it_and_nothing_is_published(
    idle: Pipeline, ask: Callable[[Pipeline], Tick]
) -> None:
    idle.config_path.write_text("unknown: 1\n")
    assert ask(idle).request.asset_selection == [dg.AssetKey("scan_config")]
    idle.note(Status.SUCCESS)
    assert not publish(idle).requests


def test_with_a_faulty_configuration_and_a_recent_scan_the_tick_names_the_fault(
    idle: Pipeline,
) -> None:
    note_scan(idle, 0)
    idle.config_path.write_text("unknown: 1\n")
    assert look(idle).reason.startswith("no run can start: ")
    assert "unknown" in look(idle).reason


@pytest.mark.parametrize("ask", [tick, look])
def test_a_storage_that_cannot_be_read_skips_ticks_with_its_reason(
    idle: Pipeline, ask: Callable[[Pipeline], Tick]
) -> None:
    break_storage(idle)
    assert "can start: cannot read " in ask(idle).reason


def test_the_sensor_logs_a_problem_once_for_each_change(
    idle: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    break_storage(idle)
    sensor = scan_sensor()
    for _ in range(2):
        assert evaluated(sensor, idle).reason.startswith("no run can start: ")
        assert caplog.text.count("no run can start") == 1
    idle.config_path.write_text("unknown: 1\n")
    evaluated(sensor, idle)
    assert caplog.text.count("no run can start") == 2


def test_what_was_read_is_published_before_a_missed_scan_starts(idle: Pipeline) -> None:
    reading = idle.note(Status.SUCCESS, older_by=timedelta(hours=1))
    assert look(idle).request.tags[PUBLISHES_TAG] == reading
    idle.note(Status.SUCCESS, {PUBLISHES_TAG: reading}, job=PUBLISH_JOB)
    assert look(idle).request.job_name == SCAN_JOB


def test_one_sensor_polls(idle: Pipeline) -> None:
    """The others are off, or Dagster calls them with the runs that have ended."""
    sensors = idle.definitions().get_repository_def().sensor_defs
    polling = [s.name for s in sensors if s.sensor_type is SensorType.STANDARD]
    assert polling == ["scan_sensor"]


def break_storage(pipeline: Pipeline) -> None:
    """A run is unfinished, and its heartbeat cannot be read."""
    run_id = pipeline.note(Status.STARTED)
    (pipeline.folder / "state" / HEARTBEATS / run_id).mkdir(parents=True)


def test_partitions_follow_the_configuration_before_the_next_scan_but_not_during_a_scan(
    idle: Pipeline,
) -> None:
    before = idle.ids
    note_scan(idle, 0)
    look(idle)
    run_id = idle.note(Status.STARTED)
    idle.configure([before[1], "100000000009"])
    assert run_id in look(idle).reason
    assert idle.partitions() == before
    idle.instance.delete_run(run_id)
    assert not look(idle).requests
    assert idle.partitions() == idle.ids


def publish_once(pipeline: Pipeline) -> Outcome:
    """Executes the publishing run that the sensor requests; it requests no other."""
    request = publish(pipeline).request
    assert request.job_name == PUBLISH_JOB
    pipeline.run(request)
    assert not publish(pipeline).requests
    return pipeline.current().status.outcome


def test_a_scan_is_published_once_with_its_start_time_and_nothing_before_the_first_scan(
    scanning: Pipeline,
) -> None:
    assert not publish(scanning).requests
    (request,) = scanning.requests("schedule")
    reading = scanning.run(request)
    requested = publish(scanning).request
    assert requested.tags[PUBLISHES_TAG] == reading.run_id
    assert requested.tags[SCAN_TAG] == request.tags[SCAN_TAG]
    assert publish_once(scanning) is Outcome.COMPLETE


def test_a_publication_waits_for_every_reading_run(scanning: Pipeline) -> None:
    scanning.run(scanning.requests("schedule")[0])
    run_id = scanning.note(Status.STARTED, assets=["raw_resources"])
    assert publish(scanning).reason == f"a scan is still running: run {run_id}"
    make_older(scanning.instance, run_id, timedelta(minutes=3))
    assert publish_once(scanning) is Outcome.COMPLETE


def test_several_runs_of_a_backfill_are_published_once(scanning: Pipeline) -> None:
    scanning.requests()
    for account_id in scanning.partitions():
        scanning.materialize("scan_config", "raw_resources", partition=account_id)
    assert publish_once(scanning) is Outcome.COMPLETE


def test_a_run_of_all_assets_is_not_published_again(scanning: Pipeline) -> None:
    scanning.requests()
    scanning.materialize(partition=scanning.ids[0])
    assert not publish(scanning).requests


def test_a_sensor_that_is_off_delays_the_next_scan_only_for_minutes(
    idle: Pipeline, fake: FakeAws
) -> None:
    run_id = idle.run(idle.requests("schedule")[0]).run_id
    make_older(idle.instance, run_id, timedelta(hours=1), and_silent=False)
    assert tick(idle).reason == f"what run {run_id} has read is still to be published"
    make_older(idle.instance, run_id, timedelta(minutes=6))
    assert len(tick(idle).requests) == 1


def note_killed(pipeline: Pipeline, reading: str) -> None:
    """A publishing run of this reading run is without a heartbeat."""
    tags = {PUBLISHES_TAG: reading}
    pipeline.note(Status.STARTED, tags, job=PUBLISH_JOB, older_by=timedelta(minutes=3))


def test_a_killed_publishing_run_is_started_again_at_most_twice_and_then_waits_for_the_next_reading(
    idle: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    reading = idle.note(Status.SUCCESS)
    keys = []
    for _ in range(3):
        keys.append(publish(idle).request.run_key)
        note_killed(idle, reading)
    assert keys == [f"publish-{reading}", f"publish-{reading}-2", f"publish-{reading}-3"]
    given_up = f"every publishing run after run {reading} was killed"
    assert look(idle).request.job_name == SCAN_JOB, "the next scan does not wait"
    assert given_up in caplog.text
    following = idle.note(Status.SUCCESS)
    assert publish(idle).request.tags[PUBLISHES_TAG] == following


@pytest.mark.parametrize(
    ("status", "reason", "again"),
    [
        (Status.FAILURE, None, True),
        (Status.FAILURE, "UNEXPECTED_TERMINATION", True),
        (Status.FAILURE, "START_TIMEOUT", True),
        (Status.FAILURE, "STEP_FAILURE", False),
        (Status.FAILURE, "RUN_EXCEPTION", False),
        (Status.FAILURE, "JOB_INITIALIZATION_FAILURE", False),
        (Status.CANCELED, None, False),
        (Status.STARTED, None, False),
        (Status.SUCCESS, None, False),
    ],
)
def test_only_a_publishing_run_that_did_not_end_by_itself_is_repeated(
    idle: Pipeline, status: dg.DagsterRunStatus, reason: str | None, again: bool
) -> None:
    reading = idle.note(Status.SUCCESS)
    tags = {PUBLISHES_TAG: reading, **({"dagster/failure_reason": reason} if reason else {})}
    idle.note(status, tags, job=PUBLISH_JOB)
    assert len(publish(idle).requests) == again


def test_dagster_notes_on_a_run_that_it_failed_by_itself(scanning: Pipeline) -> None:
    """Before the first scan there is nothing to publish."""
    reading = scanning.note(Status.SUCCESS)
    failed = scanning.run(publish(scanning).request)
    run = scanning.instance.get_run_by_id(failed.run_id)
    assert run is not None
    assert run.tags["dagster/failure_reason"] == "STEP_FAILURE"
    assert run.tags[PUBLISHES_TAG] == reading
