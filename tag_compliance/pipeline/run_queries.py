"""Questions about the runs of an instance: what is being read, and what is still to be published.

A scan is one or more reading runs and one publishing run, regardless of what started them: the
schedule, a person in the UI, the command line, a re-execution. `prefix` is always the key prefix of
this project's assets: other code locations can have jobs and assets with the same names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import is_ahead, utc_now
from tag_compliance.pipeline.heartbeat import Heartbeats
from tag_compliance.pipeline.run_tags import (
    ACCOUNT_TAG,
    CLI_TRIGGER,
    DEFINITIONS_TAG,
    METRIC_SNAPSHOT,
    OUTCOME_TAG,
    PARTS_TAG,
    PUBLISH_JOB,
    PUBLISHES_TAG,
    RAW_RESOURCES,
    SCAN_JOB,
    SCAN_TAG,
    SCHEDULE_TRIGGER,
    TRIGGER_TAG,
    definitions_tags,
)

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

# Dagster's own job of all assets, which a materialization from the UI runs.
UI_JOB = "__ASSET_JOB"

# After this time the daemon has created every run of a scan that it will ever create.
ALL_REQUESTED_WITHIN = timedelta(minutes=5)

# If the process of a command is killed between its two runs, the sensor publishes after this.
_PUBLISHED_BY_CLI_WITHIN = timedelta(minutes=1)

# Blind spot: only this many of the latest runs of each job are looked at. A publishing run that is
# not linked to a reading run by a tag is compared with it by the clocks of their hosts.
_LATEST = 100

# So many publishing runs are started for one reading run if their processes are killed.
_MOST_PUBLICATIONS = 3

# The reason of a failure that the process of a run has reported itself is a tag of the run.
_REASON_TAG = "dagster/failure_reason"
_OWN_FAILURES = {"STEP_FAILURE", "RUN_EXCEPTION", "JOB_INITIALIZATION_FAILURE"}


@dataclass(frozen=True, slots=True)
class LatestScan:
    """When the scan was requested, and whether by the schedule."""

    at: datetime
    scheduled: bool


def is_reading(run: dg.DagsterRun, prefix: Sequence[str] = ()) -> bool:
    """Whether the run reads AWS: the scan job, or a materialization from the UI."""
    return _materializes(run, RAW_RESOURCES, SCAN_JOB, prefix)


def is_publishing(run: dg.DagsterRun, prefix: Sequence[str] = ()) -> bool:
    """Whether the run publishes a snapshot: the publish job, or a materialization from the UI."""
    return _materializes(run, METRIC_SNAPSHOT, PUBLISH_JOB, prefix)


def _materializes(run: dg.DagsterRun, asset: str, job: str, prefix: Sequence[str]) -> bool:
    # A run from the UI has Dagster's own job and the selected assets.
    if run.asset_selection:
        return dg.AssetKey([*prefix, asset]) in run.asset_selection
    return run.job_name == job and definitions_tags(prefix).items() <= run.tags.items()


def has_read(run: dg.DagsterRun) -> bool:
    """Whether the ended run has finished reading, even if accounts have failed."""
    return run.status is dg.DagsterRunStatus.SUCCESS or OUTCOME_TAG in run.tags


def is_recent(moment: datetime, within: timedelta) -> bool:
    """A time of a clock that was far ahead is not recent."""
    return abs(utc_now() - moment.astimezone(UTC)) < within


def unfinished_runs(
    instance: dg.DagsterInstance, heartbeats: Heartbeats, prefix: Sequence[str] = ()
) -> list[dg.DagsterRun]:
    """The reading and publishing runs that have not ended.

    A run whose process died is marked as failed.
    """
    found = []
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        if not (is_reading(run, prefix) or is_publishing(run, prefix)):
            continue
        if heartbeats.is_dead(instance, record):
            instance.report_run_failed(run, "No heartbeat: its process was killed.")
        else:
            found.append(run)
    return found


def latest_scan(instance: dg.DagsterInstance, prefix: Sequence[str] = ()) -> LatestScan | None:
    """The latest scan of all accounts that was requested.

    Neither a scan of one account, nor a re-execution, nor a run from the UI is such a scan. A
    time of a clock that was far ahead does not count: no scan would start until it has passed.
    """
    for record in _runs_of(instance, SCAN_JOB, prefix):
        run, created_at = record.dagster_run, record.create_timestamp.astimezone(UTC)
        if TRIGGER_TAG not in run.tags or ACCOUNT_TAG in run.tags or run.parent_run_id:
            continue
        if not is_ahead(created_at):
            scheduled = run.tags[TRIGGER_TAG] == SCHEDULE_TRIGGER
            return LatestScan(created_at, scheduled)
    return None


def find_unpublished_run(
    instance: dg.DagsterInstance, prefix: Sequence[str] = ()
) -> dg.RunRecord | None:
    """The reading run that ended last, successfully or not, if it has not been published.

    A run that ended before it started has read nothing and does not count.
    """
    records = _latest_runs(instance, prefix)
    latest = max(_ended_reading(records, prefix), key=_end, default=None)
    if latest is None or any(_publishes(record, latest, prefix) for record in records):
        return None
    return latest


def latest_scan_tag(instance: dg.DagsterInstance, prefix: Sequence[str] = ()) -> str | None:
    """The scan of all accounts that was requested last of those that have been read.

    Its runs were created after those of other scans, whatever the clocks of their hosts. A
    re-execution has the tag of the run that it repeats, which may be old.
    """
    tagged = [
        record
        for record in _ended_reading(_latest_runs(instance, prefix), prefix)
        if SCAN_TAG in record.dagster_run.tags and not record.dagster_run.parent_run_id
    ]
    latest = max(tagged, key=lambda record: record.storage_id, default=None)
    return latest.dagster_run.tags[SCAN_TAG] if latest else None


def previous_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun | None:
    """The run of the same job before this one that has succeeded or failed."""
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    tags = {name: tag for name, tag in run.tags.items() if name == DEFINITIONS_TAG}
    wanted = dg.RunsFilter(job_name=run.job_name, statuses=ended, tags=tags)
    return next(iter(instance.get_runs(wanted, cursor=run.run_id, limit=1)), None)


def previous_publication(
    instance: dg.DagsterInstance, run: dg.DagsterRun, prefix: Sequence[str] = ()
) -> dg.DagsterRun | None:
    """The publishing run before this one that succeeded."""
    own = instance.get_run_record_by_id(run.run_id)
    published = [
        record
        for record in _latest_runs(instance, prefix)
        if is_publishing(record.dagster_run, prefix)
        and record.dagster_run.status is dg.DagsterRunStatus.SUCCESS
        and (own is None or record.storage_id < own.storage_id)
    ]
    latest = max(published, key=lambda record: record.storage_id, default=None)
    return latest.dagster_run if latest else None


def _latest_runs(instance: dg.DagsterInstance, prefix: Sequence[str]) -> list[dg.RunRecord]:
    # By job, because an instance may have any number of runs of other jobs.
    by_hand = instance.get_run_records(dg.RunsFilter(job_name=UI_JOB), limit=_LATEST)
    scans, publications = (_runs_of(instance, job, prefix) for job in (SCAN_JOB, PUBLISH_JOB))
    return [*scans, *publications, *by_hand]


def _runs_of(
    instance: dg.DagsterInstance, job: str, prefix: Sequence[str]
) -> Sequence[dg.RunRecord]:
    """The latest first."""
    wanted = dg.RunsFilter(job_name=job, tags=definitions_tags(prefix))
    return instance.get_run_records(wanted, limit=_LATEST)


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

    The publishing run that was started for a reading run is not repeated if it fails by itself.
    """
    run, read = record.dagster_run, reading.dagster_run
    if run.tags.get(PUBLISHES_TAG) == read.run_id:
        return not _was_killed(run)
    if not is_publishing(run, prefix):
        return False
    if run.status is dg.DagsterRunStatus.SUCCESS:
        return run.run_id == read.run_id or (record.start_time or 0.0) >= _end(reading)
    starts_later = record.start_time is None or record.start_time >= _end(reading)
    return run.status in UNFINISHED and starts_later


def _was_killed(run: dg.DagsterRun) -> bool:
    is_failed = run.status is dg.DagsterRunStatus.FAILURE
    return is_failed and run.tags.get(_REASON_TAG) not in _OWN_FAILURES


def publication_attempt(instance: dg.DagsterInstance, reading: dg.DagsterRun) -> int | None:
    """The number of the next publishing run of this reading run, from 1.

    None if so many were killed that what was read stays unpublished.
    """
    started = instance.get_run_records(dg.RunsFilter(tags={PUBLISHES_TAG: reading.run_id}))
    killed = sum(_was_killed(record.dagster_run) for record in started)
    return killed + 1 if killed < _MOST_PUBLICATIONS else None


def _end(record: dg.RunRecord) -> float:
    """In Unix time. One of a clock that was far ahead counts as the earliest."""
    end = record.end_time or 0.0
    return 0.0 if is_ahead(datetime.fromtimestamp(end, UTC)) else end


def is_published_by_its_process(record: dg.RunRecord) -> bool:
    """Whether the reading run belongs to a command that publishes it within seconds."""
    run = record.dagster_run
    if run.tags.get(TRIGGER_TAG) != CLI_TRIGGER or not has_read(run) or run.parent_run_id:
        return False
    return is_recent(datetime.fromtimestamp(_end(record), UTC), _PUBLISHED_BY_CLI_WITHIN)


def missing_parts(instance: dg.DagsterInstance, record: dg.RunRecord) -> int:
    """How many reading runs of the scan the daemon has not created yet, but still may."""
    tags = record.dagster_run.tags
    if SCAN_TAG not in tags or PARTS_TAG not in tags:
        return 0
    if not is_recent(record.create_timestamp, ALL_REQUESTED_WITHIN):
        return 0
    created = instance.get_run_records(filters=dg.RunsFilter(tags={SCAN_TAG: tags[SCAN_TAG]}))
    parts = sum(PUBLISHES_TAG not in part.dagster_run.tags for part in created)
    return max(0, int(tags[PARTS_TAG]) - parts)
