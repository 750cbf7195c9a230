"""Which runs are scans, which of them is still going on, and when the newest began."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from tag_compliance.pipeline.heartbeat import is_dead
from tag_compliance.storage.base import Storage

JOB = "scan"
RAW_RESOURCES = dg.AssetKey("raw_resources")
TRIGGER_TAG = "tag_compliance/trigger"
SCAN_TAGS = {"tag_compliance/scan": "true"}
"""On every scan; `dagster.yaml` limits the runs that carry it to one at a time."""

RUN_CONFIG: dict[str, dict[str, dict[str, str]]] = {"loggers": {"console": {}}}
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


def running_scan(instance: dg.DagsterInstance, storage: Storage) -> dg.DagsterRun | None:
    """A scan that has not ended, if there is one; those whose process died are noted as failed."""
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=_UNFINISHED)):
        run = record.dagster_run
        if is_scan(run) and not is_dead(record, storage):
            return run
        if is_scan(run):
            instance.report_run_failed(run, "Nothing has been heard of its process: it was killed.")
    return None


def newest_scan_at(instance: dg.DagsterInstance) -> datetime | None:
    """When the newest scan was asked for."""
    records = instance.get_run_records(filters=dg.RunsFilter(job_name=JOB), limit=1)
    return records[0].create_timestamp.astimezone(UTC) if records else None
