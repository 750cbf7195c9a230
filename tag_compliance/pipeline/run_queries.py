"""Questions about the runs of an instance: what is being read, and what is still to be published.

A scan is one or more reading runs and one publishing run, regardless of what started them: the
schedule, a person in the UI, the command line, a re-execution.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import utc_now
from tag_compliance.pipeline.heartbeat import Heartbeats
from tag_compliance.pipeline.run_tags import (
    ACCOUNT_TAG,
    CLI_TRIGGER,
    METRIC_SNAPSHOT,
    PARTS_TAG,
    PUBLISH_JOB,
    PUBLISHES_TAG,
    RAW_RESOURCES,
    SCAN_JOB,
    SCAN_TAG,
    TRIGGER_TAG,
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
"""Blind spot: only this many of the latest runs of each job are looked at. A publishing run that is
not linked to a reading run by a tag is compared with it by the clocks of their hosts.
"""

_UI_JOB = "__ASSET_JOB"
"""Dagster's own job of all assets, which a materialization from the UI runs."""

_PUBLISHED_BY_CLI_WITHIN_SECONDS = 60
"""If the process of a command is killed between its two runs, the sensor publishes after this."""


def is_reading(run: dg.DagsterRun, prefix: Sequence[str] = ()) -> bool:
    """Whether the run reads AWS: the scan job, or a materialization from the UI.

    `prefix` is the key prefix of this project's assets.
    """
    return _materializes(run, dg.AssetKey([*prefix, RAW_RESOURCES]), SCAN_JOB)


def is_publishing(run: dg.DagsterRun, prefix: Sequence[str] = ()) -> bool:
    """Whether the run publishes a snapshot: the publish job, or a materialization from the UI."""
    return _materializes(run, dg.AssetKey([*prefix, METRIC_SNAPSHOT]), PUBLISH_JOB)


def _materializes(run: dg.DagsterRun, asset: dg.AssetKey, job: str) -> bool:
    # A run from the UI has Dagster's own job, `__ASSET_JOB`, and the selected assets.
    return asset in run.asset_selection if run.asset_selection else run.job_name == job


def has_ended(instance: dg.DagsterInstance, record: dg.RunRecord, heartbeats: Heartbeats) -> bool:
    """Whether the run has ended; a run whose process died is first marked as failed."""
    run = record.dagster_run
    if run.status not in UNFINISHED:
        return True
    if not heartbeats.is_dead(instance, record):
        return False
    instance.report_run_failed(run, "No heartbeat: its process was killed.")
    return True


def unfinished_run(
    instance: dg.DagsterInstance, heartbeats: Heartbeats, prefix: Sequence[str] = ()
) -> dg.DagsterRun | None:
    """A reading or publishing run that has not ended, if there is one."""
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        is_part_of_scan = is_reading(run, prefix) or is_publishing(run, prefix)
        if is_part_of_scan and not has_ended(instance, record, heartbeats):
            return run
    return None


def unfinished_reading_runs(
    instance: dg.DagsterInstance, heartbeats: Heartbeats, prefix: Sequence[str] = ()
) -> int:
    """How many reading runs have not ended."""
    records = instance.get_run_records(filters=dg.RunsFilter(statuses=UNFINISHED))
    return sum(
        is_reading(record.dagster_run, prefix) and not has_ended(instance, record, heartbeats)
        for record in records
    )


def latest_scan_at(instance: dg.DagsterInstance) -> datetime | None:
    """When the latest scan of all accounts was requested.

    Neither a scan of one account, nor a re-execution, nor a run from the UI is such a scan.
    """
    for record in instance.get_run_records(dg.RunsFilter(job_name=SCAN_JOB), limit=_LATEST):
        run = record.dagster_run
        if TRIGGER_TAG in run.tags and ACCOUNT_TAG not in run.tags and not run.parent_run_id:
            return record.create_timestamp.astimezone(UTC)
    return None


def find_unpublished_run(
    instance: dg.DagsterInstance, prefix: Sequence[str] = ()
) -> dg.RunRecord | None:
    """The reading run that ended last, successfully or not, if it has not been published.

    A run that ended before it started has read nothing and does not count.
    """
    records = _latest_runs(instance)
    latest = max(_ended_reading(records, prefix), key=_end, default=None)
    if latest is None or any(_publishes(record, latest, prefix) for record in records):
        return None
    return latest


def latest_scan_tag(instance: dg.DagsterInstance, prefix: Sequence[str] = ()) -> str | None:
    """The scan of all accounts that was read last, whatever else was read after it."""
    ended = _ended_reading(_latest_runs(instance), prefix)
    tags = (record.dagster_run.tags.get(SCAN_TAG) for record in ended)
    return max(filter(None, tags), default=None)


def _latest_runs(instance: dg.DagsterInstance) -> list[dg.RunRecord]:
    # By job, because an instance may have any number of runs of other jobs.
    return [
        record
        for job in (SCAN_JOB, PUBLISH_JOB, _UI_JOB)
        for record in instance.get_run_records(dg.RunsFilter(job_name=job), limit=_LATEST)
    ]


def _ended_reading(records: Sequence[dg.RunRecord], prefix: Sequence[str]) -> list[dg.RunRecord]:
    return [
        record
        for record in records
        if is_reading(record.dagster_run, prefix)
        and record.dagster_run.status not in UNFINISHED
        and record.start_time is not None
    ]


def _publishes(record: dg.RunRecord, reading: dg.RunRecord, prefix: Sequence[str]) -> bool:
    """Whether this run has published what the other has read, or is about to.

    The publishing run that was started for a reading run is not repeated if it fails.
    """
    run, read = record.dagster_run, reading.dagster_run
    if run.tags.get(PUBLISHES_TAG) == read.run_id:
        return True
    if not is_publishing(run, prefix):
        return False
    if run.status is dg.DagsterRunStatus.SUCCESS:
        return run.run_id == read.run_id or (record.start_time or 0.0) >= _end(reading)
    starts_later = record.start_time is None or record.start_time >= _end(reading)
    return run.status in UNFINISHED and starts_later


def _end(record: dg.RunRecord) -> float:
    return record.end_time or 0.0


def is_published_by_its_process(record: dg.RunRecord) -> bool:
    """Whether the reading run belongs to a command that publishes it within seconds."""
    run = record.dagster_run
    is_complete = run.status is dg.DagsterRunStatus.SUCCESS
    if run.tags.get(TRIGGER_TAG) != CLI_TRIGGER or not is_complete or run.parent_run_id:
        return False
    return utc_now().timestamp() - _end(record) < _PUBLISHED_BY_CLI_WITHIN_SECONDS


def missing_parts(instance: dg.DagsterInstance, record: dg.RunRecord) -> int:
    """How many reading runs of the scan the daemon has not created yet, but still may."""
    tags = record.dagster_run.tags
    if SCAN_TAG not in tags or PARTS_TAG not in tags:
        return 0
    age = utc_now() - record.create_timestamp.astimezone(UTC)
    if age >= ALL_REQUESTED_WITHIN:
        return 0
    created = instance.get_run_records(filters=dg.RunsFilter(tags={SCAN_TAG: tags[SCAN_TAG]}))
    parts = sum(PUBLISHES_TAG not in part.dagster_run.tags for part in created)
    return max(0, int(tags[PARTS_TAG]) - parts)
