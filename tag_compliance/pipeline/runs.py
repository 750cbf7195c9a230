"""Which runs are scans, which of them is still going on, and when the newest began."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

JOB = "scan"
RAW_RESOURCES = dg.AssetKey("raw_resources")
TRIGGER_TAG = "tag_compliance/trigger"
RUN_CONFIG = {"loggers": {"console": {}}}
"""A run writes its log by a logger of this project only where its configuration names it."""

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def is_scan(run: dg.DagsterRun) -> bool:
    """Whether the run reads AWS, be it this project's job or a materialization from the UI."""
    return run.job_name == JOB or RAW_RESOURCES in (run.asset_selection or ())


def running_scan(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """A scan that has not ended, if there is one."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED))
    return next((run for run in runs if is_scan(run)), None)


def newest_scan_at(instance: dg.DagsterInstance) -> datetime | None:
    """When the newest scan was asked for."""
    records = instance.get_run_records(filters=dg.RunsFilter(job_name=JOB), limit=1)
    return records[0].create_timestamp.astimezone(UTC) if records else None
