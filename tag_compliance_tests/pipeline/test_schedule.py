"""The schedule: at which minutes it ticks, when a tick requests a scan, and why one is skipped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._utils.schedules import cron_string_iterator
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.clock import utc_now
from tag_compliance.pipeline import schedule
from tag_compliance.pipeline.heartbeat import HEARTBEATS
from tag_compliance.pipeline.run_queries import LatestScan
from tag_compliance.pipeline.run_tags import PUBLISH_JOB, PUBLISHES_TAG, SCAN_JOB, TRIGGER_TAG
from tag_compliance.pipeline.schedule import Cadence, Claims
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.ticks import look, tick

HOURS = timedelta(hours=3)
MIDNIGHT = datetime(2026, 5, 4, tzinfo=UTC)
DAY = 86_400
Status = dg.DagsterRunStatus


def test_a_tick_requests_a_scan_of_all_accounts(idle: Pipeline) -> None:
    when = datetime(2126, 5, 4, 0, 5, tzinfo=UTC)
    request = tick(idle, when).request
    assert (request.job_name, request.run_key) == (SCAN_JOB, "schedule-2126-05-04T00:05Z-1")
    assert request.tags[TRIGGER_TAG] == "schedule"
    assert idle.partitions() == idle.ids


def test_a_tick_before_the_interval_has_passed_is_skipped(idle: Pipeline) -> None:
    idle.note(Status.SUCCESS, {TRIGGER_TAG: "schedule"})
    assert tick(idle, utc_now()).reason.startswith("the next scan is due at 2")


@pytest.mark.parametrize("ago", [350, 370])
def test_after_a_restart_either_the_missed_tick_or_the_sensor_starts_the_scan(
    idle: Pipeline, ago: int
) -> None:
    """The daemon evaluates both at once, so neither sees the run of the other."""
    run_id = idle.note(Status.SUCCESS, {TRIGGER_TAG: "schedule"}, older_by=timedelta(seconds=ago))
    idle.note(Status.SUCCESS, {PUBLISHES_TAG: run_id}, job=PUBLISH_JOB)
    missed = tick(idle, utc_now() - timedelta(seconds=30))
    assert len(missed.requests) + len(look(idle).requests) == 1


def test_of_the_schedule_and_the_sensor_only_one_requests_a_scan_before_its_run_exists(
    idle: Pipeline,
) -> None:
    """As when the daemon starts at a minute of the schedule."""
    claims = Claims()
    assert look(idle, claims=claims).requests
    assert tick(idle, claims=claims).reason == "scan_sensor has just requested this scan"
    assert look(idle, claims=claims).requests, "Dagster ignores the second request by its key"
    other = Claims()
    assert tick(idle, claims=other).requests
    assert look(idle, claims=other).reason == "scan_schedule has just requested this scan"


def test_the_claim_of_a_request_ends_when_its_run_exists_or_after_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claims, scan = Claims(), scan_at(MIDNIGHT)
    assert claims.claim("catch-up", None)
    assert not claims.claim("schedule", None)
    assert claims.claim("schedule", scan)
    assert not claims.claim("catch-up", scan)
    later = utc_now() + timedelta(seconds=61)
    monkeypatch.setattr(schedule, "utc_now", lambda: later)
    assert claims.claim("catch-up", scan)


@pytest.mark.parametrize("seconds", [60, 90, 300, 420, 3_600, DAY])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.49, 0.51, 0.9, 0.999])
def test_after_a_catch_up_scan_the_next_one_starts_half_an_interval_to_one_and_a_half_later(
    seconds: int, share: float
) -> None:
    """So a restart shortly before a tick of the schedule does not scan twice."""
    at = MIDNIGHT + timedelta(seconds=share * seconds)
    due = Cadence(seconds).next_due(LatestScan(at, scheduled=False))
    gap = (due - at).total_seconds()
    assert seconds / 2 <= gap <= 1.5 * seconds
    assert due.timestamp() % seconds == 0


@pytest.mark.parametrize("seconds", [60, 300, 420])
def test_the_sensor_waits_for_the_tick_that_follows_a_catch_up_scan(
    seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cadence = Cadence(seconds)
    grid = MIDNIGHT.timestamp() // seconds * seconds
    latest = LatestScan(datetime.fromtimestamp(grid + 0.6 * seconds, UTC), scheduled=False)
    due = cadence.next_due(latest)
    for late, missed in (0, False), (59, False), (60, True):
        now = due + timedelta(seconds=late)
        monkeypatch.setattr(schedule, "utc_now", lambda now=now: now)
        assert cadence.has_missed(latest) is missed


def scan_at(moment: datetime) -> LatestScan:
    """One that the schedule has started."""
    return LatestScan(moment, scheduled=True)


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


@pytest.mark.parametrize(
    ("seconds", "cron"),
    [
        (10, "* * * * *"),
        (60, "* * * * *"),
        (90, "* * * * *"),
        (120, "*/2 * * * *"),
        (300, "*/5 * * * *"),
        (420, "* * * * *"),
        (1_800, "*/30 * * * *"),
        (2_700, "* * * * *"),
        (3_600, "0 * * * *"),
        (5_400, "* * * * *"),
        (7_200, "0 */2 * * *"),
        (18_000, "0 * * * *"),
        (43_200, "0 */12 * * *"),
        (86_400, "0 0 * * *"),
        (129_600, "0 * * * *"),
        (604_800, "0 0 * * *"),
    ],
)
def test_the_cron_expression_is_the_coarsest_that_does(seconds: int, cron: str) -> None:
    assert Cadence(seconds).cron == cron


@pytest.mark.parametrize(
    ("seconds", "last", "tick", "due"),
    [
        (300, None, 0, True),
        (300, 0, 300, True),
        (300, 299, 300, True),
        (90, 0, 60, False),
        (90, 0, 120, True),
        (90, 120, 180, True),
        (90, 180, 240, False),
        (30, 0, 60, True),
        (DAY, 60, DAY, True),
        (2 * DAY, 0, DAY, False),
    ],
)
def test_a_tick_is_due_when_a_multiple_lies_between_it_and_the_last_scan(
    seconds: int, last: int | None, tick: int, due: bool
) -> None:
    # A time that is a multiple of each of these intervals.
    start = datetime(1970, 1, 1, tzinfo=UTC)
    before = None if last is None else scan_at(start + timedelta(seconds=last))
    assert Cadence(seconds).is_due(start + timedelta(seconds=tick), before) is due


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 1_440), st.integers(0, 50))
def test_over_a_day_of_minutes_the_number_of_scans_is_that_of_the_interval(
    minutes: int, late: int
) -> None:
    """Each scan begins a few seconds after its tick, as the daemon does it."""
    cadence = Cadence(minutes * 60)
    last = scan_at(MIDNIGHT)
    scans = 0
    for moment in cron_string_iterator(MIDNIGHT.timestamp() + 1, cadence.cron, "UTC"):
        if moment > MIDNIGHT + timedelta(days=1):
            break
        if cadence.is_due(moment, last):
            scans += 1
            last = scan_at(moment + timedelta(seconds=late))
    start = int(MIDNIGHT.timestamp())
    wanted = (start + DAY) // cadence.seconds - start // cadence.seconds
    assert scans == wanted
