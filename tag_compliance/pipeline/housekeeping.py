"""Deletes what Dagster would keep forever, once a day: our old runs with their events and logs.

Runs that the UI needs to show the latest materialization of a partition are kept, however old.
"""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import StorageRefused
from tag_compliance.pipeline.io_manager import as_failure
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.run_queries import UI_JOB, UNFINISHED
from tag_compliance.pipeline.run_requests import ACCOUNTS
from tag_compliance.pipeline.run_tags import definitions_tags

JOB = "housekeeping"
_BATCH = 200


def build_housekeeping(
    assets: list[dg.AssetKey], prefix: Sequence[str] = ()
) -> tuple[dg.JobDefinition, dg.ScheduleDefinition]:
    """The job, and its schedule: daily, on by default."""

    @dg.op(name="delete_old_runs")
    def delete_old_runs(
        context: dg.OpExecutionContext, configuration: ConfigurationResource
    ) -> None:
        config = configuration.load()
        deleted = delete_runs(context.instance, config.retain_runs_days, assets, prefix)
        with as_failure():
            swept = configuration.snapshots().retain(config.retain_snapshots)
            configuration.heartbeats().sweep()
        context.log.info("deleted %s runs and %s snapshots", deleted, swept)

    @dg.job(
        name=JOB,
        executor_def=dg.in_process_executor,
        tags=definitions_tags(prefix),
        description="Deletes runs with their events and logs that are older than retain_runs_days, "
        "and snapshots beyond retain_snapshots.",
    )
    def housekeeping() -> None:
        delete_old_runs()

    schedule = dg.ScheduleDefinition(
        name="housekeeping_schedule",
        job=housekeeping,
        cron_schedule="17 3 * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Deletes old runs and snapshots every night.",
    )
    return housekeeping, schedule


def delete_runs(
    instance: dg.DagsterInstance, days: int, assets: list[dg.AssetKey], prefix: Sequence[str] = ()
) -> int:
    """Deletes our ended runs that are older, with their events and logs; returns their number.

    Ours are those of our jobs, and those of which a person has started our `assets` alone.
    """
    before = utc_now() - timedelta(days=days)
    ended = [status for status in dg.DagsterRunStatus if status not in UNFINISHED]
    ours = dg.RunsFilter(statuses=ended, created_before=before, tags=definitions_tags(prefix))
    by_hand = dg.RunsFilter(statuses=ended, created_before=before, job_name=UI_JOB)
    old = {run.run_id for run in _paged(instance, ours)}
    for run in _paged(instance, by_hand):
        if run.asset_selection and run.asset_selection <= set(assets):
            old.add(run.run_id)
    deletable = old - _still_shown(instance, assets)
    for run_id in deletable:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
        _delete_event_file(instance, run_id)
    return len(deletable)


def _paged(instance: dg.DagsterInstance, filters: dg.RunsFilter) -> Iterator[dg.DagsterRun]:
    cursor = None
    # A cursor is a run that exists: nothing may be deleted before the last page is read.
    while records := instance.get_run_records(filters, limit=_BATCH, cursor=cursor):
        yield from (record.dagster_run for record in records)
        cursor = records[-1].dagster_run.run_id


def delete_leftovers(configuration: ConfigurationResource) -> None:
    """Deletes what killed processes left in the storage: a full disk must not stay full."""
    with contextlib.suppress(StorageRefused):
        configuration.snapshots().retain(configuration.load().retain_snapshots)
        configuration.heartbeats().sweep()


def is_due(instance: dg.DagsterInstance, days: int) -> bool:
    """Whether no daemon has run the job today, although there are runs to delete."""
    now = utc_now()
    today = dg.RunsFilter(job_name=JOB, created_after=now - timedelta(days=1))
    old = dg.RunsFilter(tags=definitions_tags(()), created_before=now - timedelta(days=days))
    return bool(instance.get_run_records(old, 1)) and not instance.get_run_records(today, 1)


def _delete_event_file(instance: dg.DagsterInstance, run_id: str) -> None:
    """With SQLite, the events of a run are in a file of their own, which Dagster only empties."""
    events = instance.event_log_storage
    if isinstance(events, SqliteEventLogStorage):
        path = events.path_for_shard(run_id)
        for suffix in ("", "-wal", "-shm"):
            Path(path + suffix).unlink(missing_ok=True)


def _still_shown(instance: dg.DagsterInstance, assets: list[dg.AssetKey]) -> set[str]:
    """The runs behind the latest materialization of each asset, and of each of its partitions."""
    found = set[str]()
    partitions = set(instance.get_dynamic_partitions(ACCOUNTS.name or ""))
    for key in assets:
        latest = instance.get_latest_materialization_event(key)
        if latest is not None:
            found.add(latest.run_id)
        by_partition = instance.get_latest_storage_id_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION, partitions
        )
        ids = sorted(by_partition.values())
        for start in range(0, len(ids), _BATCH):
            chunk = ids[start : start + _BATCH]
            wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=chunk)
            result = instance.fetch_materializations(wanted, limit=len(chunk))
            found |= {record.run_id for record in result.records}
    return found
