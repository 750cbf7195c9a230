"""Which runs read, which publish, and which reading run is still to be published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import dagster as dg
import pytest

from tag_compliance.domain.clock import utc_now
from tag_compliance.pipeline.run_queries import (
    find_unpublished_run,
    is_published_by_its_process,
    is_publishing,
    is_reading,
    latest_scan,
    latest_scan_tag,
)
from tag_compliance.pipeline.run_tags import (
    ACCOUNT_TAG,
    PUBLISH_JOB,
    PUBLISHES_TAG,
    SCAN_JOB,
    SCAN_TAG,
    TRIGGER_TAG,
)
from tag_compliance_tests.pipeline.recorded_runs import UI_JOB, make_older, record, run_of

Status = dg.DagsterRunStatus
ALL = ("scan_config", "raw_resources", "compliance_results", "metric_snapshot")
RAW = ("raw_resources",)
EPOCH = 1_700_000_000.0


class Run(NamedTuple):
    """A run to record; times are in seconds after an arbitrary time."""

    job: str
    start: float | None
    end: float | None = None
    status: dg.DagsterRunStatus = Status.SUCCESS
    assets: tuple[str, ...] = ()
    publishes: int | None = None
    """Which of the runs before it."""

    def record(self, instance: dg.DagsterInstance, before: Sequence[str] = (), **more: Any) -> str:
        if self.publishes is not None:
            # If it failed, it was not because its process was killed.
            reason = {"dagster/failure_reason": "STEP_FAILURE"}
            more["tags"] = {PUBLISHES_TAG: before[self.publishes], **reason}
        start, end = (None if time is None else EPOCH + time for time in (self.start, self.end))
        run = run_of(self.job, self.assets, status=self.status, **more)
        return record(instance, run, start, end)


SCAN = Run(SCAN_JOB, 0, 10)
IN_UI = Run(UI_JOB, 0, 10, assets=RAW)
ALL_IN_UI = Run(UI_JOB, 0, 10, assets=ALL)


def publication(start: float | None, status: dg.DagsterRunStatus) -> list[Run]:
    """From the UI, next to a scan."""
    return [SCAN, Run(UI_JOB, start, None, status, ALL[2:])]


def unpublished(instance: dg.DagsterInstance) -> str | None:
    found = find_unpublished_run(instance)
    return found.dagster_run.run_id if found else None


@pytest.mark.parametrize(
    ("job", "assets", "reads", "publishes"),
    [
        (SCAN_JOB, (), True, False),
        (PUBLISH_JOB, (), False, True),
        (SCAN_JOB, ("scan_config",), False, False),
        (UI_JOB, RAW, True, False),
        (UI_JOB, ("raw_resources", "compliance_results"), True, False),
        (UI_JOB, ("metric_snapshot",), False, True),
        (UI_JOB, ("compliance_results",), False, False),
        (UI_JOB, ALL, True, True),
        (UI_JOB, ("finance/raw_resources", "finance/metric_snapshot"), False, False),
        ("housekeeping", (), False, False),
    ],
)
def test_a_run_reads_or_publishes_by_its_job_or_by_its_selected_assets(
    job: str, assets: tuple[str, ...], reads: bool, publishes: bool
) -> None:
    run = run_of(job, assets)
    assert (is_reading(run), is_publishing(run)) == (reads, publishes)


def test_assets_are_recognized_by_their_whole_key() -> None:
    run = run_of(UI_JOB, ("platform/raw_resources",))
    assert (is_reading(run, ["platform"]), is_reading(run)) == (True, False)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        *(
            pytest.param([run._replace(status=status)], 0, id=f"a reading run: {status}")
            for run in (SCAN, IN_UI)
            for status in (Status.SUCCESS, Status.FAILURE, Status.CANCELED)
        ),
        *(
            pytest.param([SCAN._replace(start=None, status=status)], None, id="it never started")
            for status in (Status.FAILURE, Status.CANCELED)
        ),
        pytest.param(
            [
                SCAN._replace(end=30),
                IN_UI._replace(start=5, end=20),
                Run(PUBLISH_JOB, 21, 25, publishes=1),
            ],
            0,
            id="the run that ended last, not the one that was created last",
        ),
        *(
            pytest.param(
                [SCAN, Run(PUBLISH_JOB, None, status=status, publishes=0)],
                None,
                id=f"its publication is requested once: {status}",
            )
            for status in Status
        ),
        pytest.param(publication(11, Status.SUCCESS), None, id="it is published from the UI"),
        pytest.param(publication(11, Status.STARTED), None, id="it is being published"),
        pytest.param(publication(None, Status.NOT_STARTED), None, id="it will be published"),
        pytest.param(publication(11, Status.FAILURE), 0, id="the publication failed"),
        pytest.param(publication(None, Status.CANCELED), 0, id="the publication did not start"),
        pytest.param(publication(9, Status.SUCCESS), 0, id="published before its end"),
        pytest.param(publication(9, Status.STARTED), 0, id="being published since before its end"),
        pytest.param([ALL_IN_UI], None, id="all four assets publish themselves"),
        pytest.param([ALL_IN_UI._replace(status=Status.FAILURE)], 0, id="all four assets failed"),
    ],
)
def test_the_reading_run_that_ended_last_is_found_until_it_is_published(
    instance: dg.DagsterInstance, runs: list[Run], expected: int | None
) -> None:
    ids: list[str] = []
    for run in runs:
        ids.append(run.record(instance, ids))
    assert unpublished(instance) == (None if expected is None else ids[expected])


def test_a_re_execution_is_to_be_published_as_well(instance: dg.DagsterInstance) -> None:
    first = SCAN._replace(status=Status.FAILURE).record(instance)
    Run(PUBLISH_JOB, 11, 12, publishes=0).record(instance, [first])
    again = Run(SCAN_JOB, 20, 30).record(instance, parent_run_id=first, root_run_id=first)
    assert unpublished(instance) == again


def test_a_scan_of_very_many_runs_next_to_those_of_other_jobs_is_published_once(
    instance: dg.DagsterInstance,
) -> None:
    last = Run(SCAN_JOB, 0, 500).record(instance)
    for number in range(101):
        Run("of_another_team", 1, 2 + number).record(instance)
    for number in range(99):
        Run(SCAN_JOB, 0, 10 + number).record(instance)
    assert unpublished(instance) == last
    Run(PUBLISH_JOB, 501, 510, publishes=0).record(instance, [last])
    assert unpublished(instance) is None


def test_the_latest_scan_of_all_accounts_is_known_after_a_run_for_one_account(
    instance: dg.DagsterInstance,
) -> None:
    SCAN.record(instance, tags={SCAN_TAG: "2026-05-04"})
    Run(SCAN_JOB, 10, 15, Status.FAILURE).record(instance, tags={SCAN_TAG: "2026-05-05"})
    Run(UI_JOB, 20, 25, assets=RAW).record(instance)
    assert latest_scan_tag(instance) == "2026-05-05"


@pytest.mark.parametrize(
    ("trigger", "status", "seconds_ago", "by_itself"),
    [
        ("cli", Status.SUCCESS, 1, True),
        ("cli", Status.SUCCESS, 61, False),
        ("cli", Status.FAILURE, 1, False),
        ("schedule", Status.SUCCESS, 1, False),
    ],
)
def test_a_command_publishes_its_reading_run_itself_unless_it_was_killed(
    instance: dg.DagsterInstance,
    trigger: str,
    status: dg.DagsterRunStatus,
    seconds_ago: float,
    by_itself: bool,
) -> None:
    ended = utc_now().timestamp() - seconds_ago - EPOCH
    Run(SCAN_JOB, 0, ended, status).record(instance, tags={TRIGGER_TAG: trigger})
    found = find_unpublished_run(instance)
    assert found is not None
    assert is_published_by_its_process(found) is by_itself


def test_only_a_scan_of_all_accounts_counts_as_the_latest_scan(
    instance: dg.DagsterInstance,
) -> None:
    assert latest_scan(instance) is None
    scheduled = {TRIGGER_TAG: "schedule"}
    scan = SCAN.record(instance, tags=scheduled)
    make_older(instance, scan, timedelta(hours=1))
    requested_at = latest_scan(instance)
    SCAN.record(instance, tags={TRIGGER_TAG: "cli", ACCOUNT_TAG: "100000000000"})
    SCAN.record(instance)
    SCAN.record(instance, tags=scheduled, parent_run_id=scan, root_run_id=scan)
    Run(PUBLISH_JOB, 20, 30).record(instance, tags=scheduled)
    assert requested_at is not None
    assert latest_scan(instance) == requested_at
    assert requested_at.at < utc_now() - timedelta(minutes=59)
