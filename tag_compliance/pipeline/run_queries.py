"""Questions about the runs of an instance: what is being read, and what is still to be published.

A scan is one or more reading runs and one publishing run, whoever started them: the schedule, a
person in the UI, the command line, a re-execution.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import utc_now
from tag_compliance.pipeline.heartbeat import Heartbeats
from tag_compliance.pipeline.run_tags import (
    ACCOUNT_TAG,
    METRIC_SNAPSHOT,
    PARTS_TAG,
    PUBLISH_JOB,
    PUBLISHES_TAG,
    RAW_RESOURCES,
    SCAN_JOB,
    SCAN_TAG,
)

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

ALL_REQUESTED_WITHIN = timedelta(minutes=5)
"""After this time the daemon has created every run of a scan that it will ever create."""

_LATEST = 100
"""Blind spot: only this many of the latest runs are looked at."""


def is_reading(run: dg.DagsterRun) -> bool:
    """Whether the run reads AWS: the scan job, or a materialization from the UI."""
    return _materializes(run, RAW_RESOURCES, SCAN_JOB)


def is_publishing(run: dg.DagsterRun) -> bool:
    """Whether the run publishes a snapshot: the publish job, or a materialization from the UI."""
    return _materializes(run, METRIC_SNAPSHOT, PUBLISH_JOB)


def _materializes(run: dg.DagsterRun, asset: str, job: str) -> bool:
    if run.asset_selection:
        return any(key.path[-1] == asset for key in run.asset_selection)
    return run.job_name == job


def has_ended(instance: dg.DagsterInstance, record: dg.RunRecord, heartbeats: Heartbeats) -> bool:
    """Whether the run has ended; a run whose process died is first marked as failed."""
    run = record.dagster_run
    if run.status not in UNFINISHED:
        return True
    if not heartbeats.is_dead(instance, record):
        return False
    instance.report_run_failed(run, "No heartbeat: its process was killed.")
    return True


def unfinished_run(instance: dg.DagsterInstance, heartbeats: Heartbeats) -> dg.DagsterRun | None:
    """A reading or publishing run that has not ended, if there is one."""
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        if (is_reading(run) or is_publishing(run)) and not has_ended(instance, record, heartbeats):
            return run
    return None


def unfinished_reading_runs(instance: dg.DagsterInstance, heartbeats: Heartbeats) -> int:
    """How many reading runs have not ended."""
    records = instance.get_run_records(filters=dg.RunsFilter(statuses=UNFINISHED))
    return sum(
        is_reading(record.dagster_run) and not has_ended(instance, record, heartbeats)
        for record in records
    )


def latest_scan_at(instance: dg.DagsterInstance) -> datetime | None:
    """When the latest scan of all accounts was requested."""
    scans = dg.RunsFilter(job_name=SCAN_JOB)
    for record in instance.get_run_records(filters=scans, limit=_LATEST):
        if ACCOUNT_TAG not in record.dagster_run.tags:
            return record.create_timestamp.astimezone(UTC)
    return None


def find_unpublished_run(instance: dg.DagsterInstance) -> dg.RunRecord | None:
    """The reading run that ended last, in whatever way, if nothing was published after it.

    A run that was canceled before it started has read nothing and does not count.
    """
    ended = [
        record
        for record in _latest_runs(instance)
        if is_reading(record.dagster_run)
        and record.dagster_run.status not in UNFINISHED
        and record.start_time is not None
    ]
    latest = max(ended, key=lambda record: record.end_time or 0.0, default=None)
    if latest is None or _is_published(instance, latest):
        return None
    return latest


def _is_published(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    run = record.dagster_run
    if is_publishing(run) and run.status is dg.DagsterRunStatus.SUCCESS:
        return True
    publishing = dg.RunsFilter(tags={PUBLISHES_TAG: run.run_id})
    return bool(instance.get_run_records(filters=publishing, limit=1))


def missing_parts(instance: dg.DagsterInstance, record: dg.RunRecord) -> int:
    """How many reading runs of the scan the daemon has not created yet, but still may."""
    tags = record.dagster_run.tags
    if SCAN_TAG not in tags or PARTS_TAG not in tags:
        return 0
    age = utc_now() - record.create_timestamp.astimezone(UTC)
    if age >= ALL_REQUESTED_WITHIN:
        return 0
    created = instance.get_run_records(filters=dg.RunsFilter(tags={SCAN_TAG: tags[SCAN_TAG]}))
    parts = sum(is_reading(part.dagster_run) for part in created)
    return max(0, int(tags[PARTS_TAG]) - parts)


def _latest_runs(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    records: Sequence[dg.RunRecord] = instance.get_run_records(limit=_LATEST)
    yield from records
