"""The runs of scans: their tags, which of them is running, and when the newest began.

A scan is one run. Above `max_accounts_per_run` it is several runs, each of which reads a part of
the accounts, and one more that evaluates and publishes when they have ended.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from tag_compliance.domain.clock import utc_now
from tag_compliance.pipeline.heartbeat import Heartbeats

JOB = "scan"
RAW_RESOURCES, METRIC_SNAPSHOT = "raw_resources", "metric_snapshot"

TRIGGER_TAG = "tag_compliance/trigger"
SCAN_TAG = "tag_compliance/scan"
PART_TAG = "tag_compliance/part"
PARTS_TAG = "tag_compliance/parts"
ACCOUNT_TAG = "tag_compliance/account"
"""The tag of a run that scans only this account."""

FOLLOWS_TAG = "tag_compliance/follows"
"""The tag of a run that publishes what this other run, started from the UI, has read."""

ONE_AT_A_TIME = {"tag_compliance/one_at_a_time": "true"}
"""The tag of scans of a single run; `dagster.yaml` allows one run at a time with it."""

RUN_CONFIG: dict[str, dict[str, dict[str, str]]] = {"loggers": {"console": {}}}
"""A run uses a logger of this project only if the run configuration names it."""

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
# The clocks of hosts differ slightly; an earlier scan is much older than that.
_SKEW = timedelta(seconds=5)
_LOOKED_AT = 100
ALL_ASKED_FOR_WITHIN = timedelta(minutes=5)
"""After this time the daemon has created all runs of a scan that it will ever create."""


def scan_id(moment: datetime) -> str:
    """The id of a scan: the time at which it was requested."""
    return moment.astimezone(UTC).strftime(_TIME)


def scan_began_at(tags: Mapping[str, str]) -> datetime | None:
    """The time since which an account must have been scanned to belong to the run's scan.

    None for a run whose tags name no scan: everything that is stored belongs to it.
    """
    named = tags.get(SCAN_TAG)
    try:
        return datetime.strptime(named, _TIME).replace(tzinfo=UTC) - _SKEW if named else None
    except ValueError:
        return None


def is_scan(run: dg.DagsterRun) -> bool:
    """Whether the run reads AWS: as this project's job, or as a materialization from the UI."""
    return _materializes(run, RAW_RESOURCES)


def _materializes(run: dg.DagsterRun, asset: str) -> bool:
    if run.asset_selection:
        return any(key.path[-1] == asset for key in run.asset_selection)
    return run.job_name == JOB


def has_ended(instance: dg.DagsterInstance, record: dg.RunRecord, heartbeats: Heartbeats) -> bool:
    """Whether the run has ended; a run whose process died is first marked as failed."""
    run = record.dagster_run
    if run.status not in UNFINISHED:
        return True
    if not heartbeats.is_dead(instance, record):
        return False
    instance.report_run_failed(run, "No heartbeat: its process was killed.")
    return True


def running_scan(instance: dg.DagsterInstance, heartbeats: Heartbeats) -> dg.DagsterRun | None:
    """A scan that has not ended, or None."""
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        concerns = is_scan(run) or SCAN_TAG in run.tags
        if concerns and not has_ended(instance, record, heartbeats):
            return run
    return None


def newest_scan_at(instance: dg.DagsterInstance) -> datetime | None:
    """When the newest scan was requested; a scan of a single account does not count."""
    for record in _newest_runs(instance):
        tags = record.dagster_run.tags
        publishes = SCAN_TAG in tags and PARTS_TAG not in tags
        if not publishes and not _is_not_scheduled(tags):
            return record.create_timestamp.astimezone(UTC)
    return None


def newest_of_several(instance: dg.DagsterInstance) -> dg.RunRecord | None:
    """The newest run of a scan of several runs, unless a scan of a single run came later."""
    for record in _newest_runs(instance):
        tags = record.dagster_run.tags
        if SCAN_TAG in tags:
            return record
        if not _is_not_scheduled(tags):
            return None
    return None


def _is_not_scheduled(tags: Mapping[str, str]) -> bool:
    """Runs for one account, and those that follow a run from the UI, do not delay the next scan."""
    return ACCOUNT_TAG in tags or FOLLOWS_TAG in tags


def unfollowed_by_hand(instance: dg.DagsterInstance) -> str | None:
    """The newest run from the UI that has only read accounts, if no later run has published them.

    Blind spot: only the newest hundred successful runs are searched.
    """
    succeeded = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
    for record in instance.get_run_records(filters=succeeded, limit=_LOOKED_AT):
        run = record.dagster_run
        by_hand = run.job_name != JOB and is_scan(run)
        if by_hand and not _materializes(run, METRIC_SNAPSHOT):
            followed = (record.end_time or 0.0) < _last_published(instance)
            return None if followed else run.run_id
    return None


def _last_published(instance: dg.DagsterInstance) -> float:
    """When the newest publishing run was requested; Unix time, 0 if there is none."""
    return max(
        (
            record.create_timestamp.timestamp()
            for record in _newest_runs(instance)
            if _materializes(record.dagster_run, METRIC_SNAPSHOT)
        ),
        default=0.0,
    )


def unpublished_scan(instance: dg.DagsterInstance) -> str | None:
    """A scan of several runs that has not been published yet, and that a new scan would replace.

    A scan is not waited for without limit: the sensor that publishes can be off.
    """
    newest = newest_of_several(instance)
    if newest is None or PARTS_TAG not in newest.dagster_run.tags:
        return None
    waits = utc_now() - newest.update_timestamp.astimezone(UTC)
    return newest.dagster_run.tags[SCAN_TAG] if waits < ALL_ASKED_FOR_WITHIN else None


def _newest_runs(instance: dg.DagsterInstance) -> Sequence[dg.RunRecord]:
    return instance.get_run_records(filters=dg.RunsFilter(job_name=JOB), limit=_LOOKED_AT)
