"""Which runs read, which publish, and which reading run is still to be published."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from tag_compliance.domain.clock import utc_now
from tag_compliance.pipeline.run_queries import (
    find_unpublished_run,
    is_published_by_its_process,
    is_publishing,
    is_reading,
    latest_scan_at,
    latest_scan_tag,
)
from tag_compliance.pipeline.run_tags import (
    ACCOUNT_TAG,
    PUBLISH_JOB,
    PUBLISHES_TAG,
    SCAN_JOB,
    SCAN_TAG,
    TRIGGER_TAG,
    definitions_tags,
)
from tag_compliance_tests.pipeline.pipelines import make_older

Status = dg.DagsterRunStatus
ALL = ("scan_config", "raw_resources", "compliance_results", "metric_snapshot")
UI = "__ASSET_JOB"
EPOCH = 1_700_000_000.0


@dataclasses.dataclass
class Recorder:
    """Puts runs into Dagster's records."""

    instance: dg.DagsterInstance

    def run(
        self,
        job: str,
        start: float | None,
        end: float | None = None,
        status: dg.DagsterRunStatus = Status.SUCCESS,
        **more: Any,
    ) -> str:
        """`start` and `end` are seconds after an arbitrary time."""
        run = run_of(job, status=status, **more)
        self.instance.add_run(run)
        storage = self.instance.run_storage
        assert isinstance(storage, SqlRunStorage)
        times = {"start_time": start, "end_time": end}
        with storage.connect() as connection:
            connection.execute(
                RunsTable.update()
                .where(RunsTable.c.run_id == run.run_id)
                .values({n: None if t is None else EPOCH + t for n, t in times.items()})
            )
        return run.run_id

    def unpublished(self, prefix: tuple[str, ...] = ()) -> str | None:
        record = find_unpublished_run(self.instance, prefix)
        return record.dagster_run.run_id if record else None


def run_of(
    job: str, assets: tuple[str, ...] = (), tags: Mapping[str, str] | None = None, **more: Any
) -> dg.DagsterRun:
    """Of our jobs, or from the UI if assets are selected."""
    selection = frozenset(dg.AssetKey(name.split("/")) for name in assets) or None
    tags = {**({} if assets else definitions_tags([])), **(tags or {})}
    return dg.DagsterRun(job, asset_selection=selection, tags=tags, **more)


@pytest.fixture
def runs(instance: dg.DagsterInstance) -> Recorder:
    return Recorder(instance)


@pytest.mark.parametrize(
    ("job", "assets", "reads", "publishes"),
    [
        (SCAN_JOB, (), True, False),
        (PUBLISH_JOB, (), False, True),
        (SCAN_JOB, ("scan_config",), False, False),
        (UI, ("raw_resources",), True, False),
        (UI, ("raw_resources", "compliance_results"), True, False),
        (UI, ("metric_snapshot",), False, True),
        (UI, ("compliance_results",), False, False),
        (UI, ALL, True, True),
        (UI, ("finance/raw_resources", "finance/metric_snapshot"), False, False),
        ("housekeeping", (), False, False),
    ],
)
def test_a_run_reads_or_publishes_by_its_job_or_by_its_selected_assets(
    job: str, assets: tuple[str, ...], reads: bool, publishes: bool
) -> None:
    run = run_of(job, assets)
    assert (is_reading(run), is_publishing(run)) == (reads, publishes)


def test_assets_are_recognized_by_their_whole_key() -> None:
    run = run_of(UI, ("platform/raw_resources",))
    assert is_reading(run, ["platform"])
    assert not is_reading(run)


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.FAILURE, Status.CANCELED])
@pytest.mark.parametrize(("job", "assets"), [(SCAN_JOB, ()), (UI, ("raw_resources",))])
def test_a_reading_run_is_to_be_published_however_it_ended(
    runs: Recorder, job: str, assets: tuple[str, ...], status: dg.DagsterRunStatus
) -> None:
    run_id = runs.run(job, 0, 10, status, assets=assets)
    assert runs.unpublished() == run_id


def test_the_run_that_ended_last_decides_and_not_the_one_that_was_created_last(
    runs: Recorder,
) -> None:
    long = runs.run(SCAN_JOB, 0, 30)
    short = runs.run(UI, 5, 20, assets=("raw_resources",))
    runs.run(PUBLISH_JOB, 21, 25, tags={PUBLISHES_TAG: short})
    assert runs.unpublished() == long


@pytest.mark.parametrize("status", [Status.CANCELED, Status.FAILURE])
def test_a_run_that_never_started_has_read_nothing(
    runs: Recorder, status: dg.DagsterRunStatus
) -> None:
    runs.run(SCAN_JOB, None, 10, status)
    assert runs.unpublished() is None


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.QUEUED])
def test_the_publishing_run_of_a_reading_run_is_requested_once_even_if_it_fails(
    runs: Recorder, status: dg.DagsterRunStatus
) -> None:
    reading = runs.run(SCAN_JOB, 0, 10)
    tags = {PUBLISHES_TAG: reading, "dagster/failure_reason": "STEP_FAILURE"}
    runs.run(PUBLISH_JOB, None, status=status, tags=tags)
    assert runs.unpublished() is None


@pytest.mark.parametrize(
    ("start", "status", "published"),
    [
        (11, Status.SUCCESS, True),
        (11, Status.STARTED, True),
        (None, Status.NOT_STARTED, True),
        (11, Status.FAILURE, False),
        (None, Status.CANCELED, False),
        (9, Status.SUCCESS, False),
        (9, Status.STARTED, False),
    ],
)
def test_a_publication_from_the_ui_counts_if_it_starts_after_the_end_of_the_reading(
    runs: Recorder, start: float | None, status: dg.DagsterRunStatus, published: bool
) -> None:
    reading = runs.run(SCAN_JOB, 0, 10)
    runs.run(UI, start, status=status, assets=("compliance_results", "metric_snapshot"))
    assert runs.unpublished() == (None if published else reading)


@pytest.mark.parametrize(("status", "published"), [(Status.SUCCESS, True), (Status.FAILURE, False)])
def test_a_run_of_all_four_assets_publishes_itself_if_it_succeeds(
    runs: Recorder, status: dg.DagsterRunStatus, published: bool
) -> None:
    run_id = runs.run(UI, 0, 10, status, assets=ALL)
    assert runs.unpublished() == (None if published else run_id)


def test_a_re_execution_is_to_be_published_as_well(runs: Recorder) -> None:
    first = runs.run(SCAN_JOB, 0, 10, Status.FAILURE)
    runs.run(PUBLISH_JOB, 11, 12, tags={PUBLISHES_TAG: first})
    again = runs.run(SCAN_JOB, 20, 30, parent_run_id=first, root_run_id=first)
    assert runs.unpublished() == again


def test_a_scan_of_very_many_runs_is_published_once(runs: Recorder) -> None:
    last = runs.run(SCAN_JOB, 0, 500)
    for number in range(99):
        runs.run(SCAN_JOB, 0, 10 + number)
    assert runs.unpublished() == last
    runs.run(PUBLISH_JOB, 501, 510, tags={PUBLISHES_TAG: last})
    assert runs.unpublished() is None


def test_any_number_of_runs_of_other_jobs_does_not_hide_a_reading_run(runs: Recorder) -> None:
    reading = runs.run(SCAN_JOB, 0, 500)
    for number in range(101):
        runs.run("of_another_team", 1, 2 + number)
    assert runs.unpublished() == reading


def test_the_latest_scan_of_all_accounts_is_known_after_a_run_for_one_account(
    runs: Recorder,
) -> None:
    runs.run(SCAN_JOB, 0, 5, tags={SCAN_TAG: "2026-05-04"})
    runs.run(SCAN_JOB, 10, 15, Status.FAILURE, tags={SCAN_TAG: "2026-05-05"})
    runs.run(UI, 20, 25, assets=("raw_resources",))
    assert latest_scan_tag(runs.instance) == "2026-05-05"


@pytest.mark.parametrize(
    ("tags", "status", "seconds_ago", "by_itself"),
    [
        ({TRIGGER_TAG: "cli"}, Status.SUCCESS, 1, True),
        ({TRIGGER_TAG: "cli"}, Status.SUCCESS, 61, False),
        ({TRIGGER_TAG: "cli"}, Status.FAILURE, 1, False),
        ({TRIGGER_TAG: "schedule"}, Status.SUCCESS, 1, False),
    ],
)
def test_a_command_publishes_its_reading_run_itself_unless_it_was_killed(
    runs: Recorder,
    tags: Mapping[str, str],
    status: dg.DagsterRunStatus,
    seconds_ago: float,
    by_itself: bool,
) -> None:
    runs.run(SCAN_JOB, 0, utc_now().timestamp() - seconds_ago - EPOCH, status, tags=tags)
    record = find_unpublished_run(runs.instance)
    assert record is not None
    assert is_published_by_its_process(record) is by_itself


def test_only_a_scan_of_all_accounts_counts_as_the_latest_scan(runs: Recorder) -> None:
    assert latest_scan_at(runs.instance) is None
    scan = runs.run(SCAN_JOB, 0, 10, tags={TRIGGER_TAG: "schedule"})
    make_older(runs.instance, scan, timedelta(hours=1))
    requested_at = latest_scan_at(runs.instance)
    runs.run(SCAN_JOB, 20, 30, tags={TRIGGER_TAG: "cli", ACCOUNT_TAG: "100000000000"})
    runs.run(SCAN_JOB, 20, 30)
    runs.run(SCAN_JOB, 20, 30, tags={TRIGGER_TAG: "schedule"}, parent_run_id=scan, root_run_id=scan)
    runs.run(PUBLISH_JOB, 20, 30, tags={TRIGGER_TAG: "schedule"})
    assert requested_at is not None
    assert latest_scan_at(runs.instance) == requested_at
    assert requested_at < utc_now() - timedelta(minutes=59)
