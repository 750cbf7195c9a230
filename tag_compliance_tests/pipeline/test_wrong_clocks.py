"""A host whose clock was two hours ahead has scanned; its times do not stop the next scans."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import Outcome, RegionReadStatus
from tag_compliance.pipeline.resources import ProgressResource
from tag_compliance.pipeline.run_once import run_once
from tag_compliance.pipeline.run_queries import find_unpublished_run, latest_scan_tag
from tag_compliance.pipeline.run_tags import (
    PUBLISH_JOB,
    PUBLISHES_TAG,
    SCAN_TAG,
    TRIGGER_TAG,
    scan_id,
    scan_times,
)
from tag_compliance.snapshot.status import LastScan
from tag_compliance_tests.pipeline.pipelines import Pipeline, metadata_of
from tag_compliance_tests.pipeline.recorded_runs import make_older, move_end
from tag_compliance_tests.pipeline.ticks import look, publish, tick
from tag_compliance_tests.support.snapshots import exposition_of, status_of

Status = dg.DagsterRunStatus
TWO_HOURS = timedelta(hours=2)


def test_after_a_scan_from_the_future_the_next_scan_is_published_and_its_snapshot_deleted(
    scanning: Pipeline,
) -> None:
    ahead = utc_now() + TWO_HOURS
    for account_id in scanning.ids:
        scanning.store_reading(account_id, at=ahead)
    wrong = scanning.snapshots.publish(
        exposition_of(0), replace(status_of(), scan_started_at=ahead, made_at=ahead)
    )
    before = utc_now()
    assert scanning.scan().success
    status = scanning.current().status
    assert status.counts.returned == 180
    assert before <= status.scan_started_at <= status.made_at
    assert metadata_of(scanning.instance, "metric_snapshot")["duration_seconds"] >= 0
    assert not scanning.storage.names(f"snapshots/{wrong}/")


@pytest.mark.parametrize("ahead", [TWO_HOURS, timedelta(minutes=2)])
def test_the_time_of_a_snapshot_is_never_in_the_future(
    scanning: Pipeline, ahead: timedelta
) -> None:
    """The numbers of an account that was read with a wrong clock count, but not their time."""
    scanning.scan()
    before = scanning.current().status.scan_started_at
    scanning.store_reading(scanning.ids[0], at=utc_now() + ahead)
    scanning.run(publish_of_ui(scanning))
    status = scanning.current().status
    assert status.counts.returned == 124
    assert status.scan_started_at <= (before if ahead is TWO_HOURS else status.made_at)


def publish_of_ui(pipeline: Pipeline) -> dg.RunRequest:
    reading = pipeline.note(Status.SUCCESS)
    request = publish(pipeline).request
    assert request.tags[PUBLISHES_TAG] == reading
    tags = {name: value for name, value in request.tags.items() if name != SCAN_TAG}
    return dg.RunRequest(job_name=PUBLISH_JOB, run_config=request.run_config, tags=tags)


def test_a_failed_scan_from_the_future_is_no_longer_the_last_scan(scanning: Pipeline) -> None:
    ahead, now = utc_now() + TWO_HOURS, utc_now()
    scanning.snapshots.record(LastScan(ahead, ahead, Outcome.NOTHING, ("wrong clock",)))
    ended = LastScan(now, now, Outcome.NOTHING, ("right clock",))
    scanning.snapshots.record(ended)
    assert scanning.snapshots.look().last_scan == ended


def test_a_scan_that_was_requested_in_the_future_delays_neither_schedule_nor_catch_up(
    idle: Pipeline,
) -> None:
    run_id = idle.note(Status.SUCCESS, {TRIGGER_TAG: "schedule"})
    idle.note(Status.SUCCESS, {PUBLISHES_TAG: run_id}, job=PUBLISH_JOB)
    make_older(idle.instance, run_id, -TWO_HOURS)
    assert len(tick(idle, utc_now()).requests) == len(look(idle).requests) == 1


def test_a_run_that_ended_in_the_future_does_not_hide_the_next_one(idle: Pipeline) -> None:
    wrong = idle.note(Status.SUCCESS)
    idle.note(Status.SUCCESS, {PUBLISHES_TAG: wrong}, job=PUBLISH_JOB)
    move_end(idle.instance, wrong, utc_now() + TWO_HOURS)
    following = idle.note(Status.SUCCESS)
    record = find_unpublished_run(idle.instance)
    assert record is not None
    assert record.dagster_run.run_id == following


def test_the_latest_scan_is_the_one_that_dagster_recorded_last(idle: Pipeline) -> None:
    now = utc_now()
    first = {SCAN_TAG: scan_id(now + TWO_HOURS)}
    second = {SCAN_TAG: scan_id(now)}
    idle.note(Status.SUCCESS, first)
    idle.note(Status.SUCCESS, second)
    assert latest_scan_tag(idle.instance) == second[SCAN_TAG]


def test_a_run_with_the_tag_of_a_scan_in_the_future_starts_now() -> None:
    tags = {SCAN_TAG: scan_id(utc_now() + TWO_HOURS)}
    times = scan_times(dg.DagsterRun("publish", tags=tags))
    assert times.started_at <= datetime.now(UTC)
    assert times.read_since is None


def test_a_scan_whose_reading_was_refused_is_partial_and_names_the_account(
    scanning: Pipeline,
) -> None:
    """Another scan stores the first account after this one has read one of its regions."""
    first = scanning.ids[0]
    scanning.configure(max_concurrency=1)
    stored: list[str] = []

    def read_by_another(account_id: AccountId, _: RegionReadStatus) -> None:
        if account_id == first and not stored:
            stored.append(first)
            scanning.store_reading(first)

    ended = run_once(
        scanning.config(), scanning.config_path, os.environ, ProgressResource(read_by_another)
    )
    assert ended.snapshot is not None
    status = ended.snapshot.status
    assert status.outcome is Outcome.PARTIAL
    assert status.failures == (f"{first}: not stored: a later scan has stored this account",)
    assert scanning.current().status.outcome is Outcome.COMPLETE
    assert scanning.current().status.counts.returned == 124
