"""The assets: configuration, raw resources by account, results, history, metric snapshot.

`scan_config` is the one configuration of a scan: the downstream assets take targets, policy and
settings from it, as the reading run stored it. They use the configuration file itself only to find
the storage.
"""

import contextlib
import warnings
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import dagster as dg

from tag_compliance import __version__
from tag_compliance.aws.scanner import scan_accounts
from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config, DetailLimit, FailedAccountRun
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.history.figures import HistoryFigures
from tag_compliance.domain.metrics.table import SnapshotInfo
from tag_compliance.domain.read_status import Outcome
from tag_compliance.domain.type_patterns import TypePattern
from tag_compliance.errors import InvalidExposition
from tag_compliance.pipeline import metadata
from tag_compliance.pipeline.account_events import AccountEvents, AccountReading
from tag_compliance.pipeline.account_writer import AccountWriter, next_reading_run
from tag_compliance.pipeline.checks import (
    RESULT_CHECKS,
    SNAPSHOT_CHECKS,
    check_results,
    check_snapshot,
)
from tag_compliance.pipeline.history import update_history
from tag_compliance.pipeline.housekeeping import delete_leftovers
from tag_compliance.pipeline.io_manager import as_failure, load_scan_times
from tag_compliance.pipeline.merge import MergedScan, merge_current
from tag_compliance.pipeline.resources import (
    ConfigurationResource,
    HeartbeatResource,
    ProgressResource,
)
from tag_compliance.pipeline.run_requests import ACCOUNTS, add_partitions
from tag_compliance.pipeline.run_tags import scan_times
from tag_compliance.snapshot.builder import SnapshotContents, SnapshotSettings, build_contents
from tag_compliance.snapshot.status import LastScan
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.tables.failed_readings import FailedReadings

IO_MANAGER = "tag_compliance_io"

_MAX_HISTORY_SERIES = 100_000

_NOT_PARTITIONED = (
    "name the accounts to read: a partition, or a range of partitions, of raw_resources; "
    "`tag-compliance scan` reads all accounts"
)
_DETAIL_LIMITS = {DetailLimit.OFF: 0, DetailLimit.UNLIMITED: None}


@dg.asset(io_manager_key=IO_MANAGER, kinds={"yaml"})
def scan_config(
    context: dg.AssetExecutionContext, configuration: ConfigurationResource
) -> dg.MaterializeResult[Config]:
    """What to read and what to require: the configuration file as this run read it.

    Adds its accounts to the partitions of `raw_resources`, so that they can be materialized in an
    instance in which no schedule or sensor has run.
    """
    with as_failure():
        config = configuration.load()
    add_partitions(context.instance, config)
    return dg.MaterializeResult(
        value=config, metadata=metadata.of_config(config, context.asset_key.path[:-1])
    )


@contextlib.contextmanager
def beta_features_accepted() -> Iterator[None]:
    """No warnings about features that Dagster calls beta: the lock file pins them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*currently in (beta|preview)")
        yield


with beta_features_accepted():
    _asset_by_account = dg.asset(
        io_manager_key=IO_MANAGER,
        kinds={"aws", "parquet"},
        partitions_def=ACCOUNTS,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )


@_asset_by_account
def raw_resources(
    context: dg.AssetExecutionContext,
    scan_config: Config,
    configuration: ConfigurationResource,
    scan_progress: dg.ResourceParam[ProgressResource],
    heartbeat: HeartbeatResource,  # noqa: ARG001 - it beats during the whole run
) -> None:
    """Every tagged resource of the run's accounts, as the Resource Groups Tagging API returns it.

    Each account is stored and evaluated as soon as it is read. If one fails, the others are read,
    and the run fails at its end unless `failed_account_run` is `warn`. If that run is re-executed
    from failure, only the accounts that failed are read again.
    """
    if not (context.has_partition_key or context.has_partition_key_range):
        raise dg.Failure(_NOT_PARTITIONED, allow_retries=False)
    events = AccountEvents(context)
    with as_failure():
        wanted = set(context.partition_keys) - events.kept.keys()
        readings = list(_read_accounts(context, scan_config, configuration, scan_progress, wanted))
    fails = scan_config.failed_account_run is FailedAccountRun.FAIL
    events.end(readings, may_fail=fails)


def _read_accounts(
    context: dg.AssetExecutionContext,
    config: Config,
    configuration: ConfigurationResource,
    progress: ProgressResource,
    wanted: AbstractSet[str],
) -> Iterator[AccountReading]:
    started_at = scan_times(context.run).started_at
    storage = configuration.storage()
    delete_leftovers(configuration)
    reading_run = next_reading_run(storage)
    writer = AccountWriter(config, storage, context.log.warning, started_at, reading_run)
    targets = targets_of(config, wanted)
    for inventory in scan_accounts(config, targets, progress, page_read=progress.page_read):
        evaluation = writer.store(inventory)
        shown = metadata.of_account(evaluation) if evaluation else metadata.NOT_STORED
        yield AccountReading(inventory.status, shown, replaced=evaluation is None)


@dg.asset(
    io_manager_key=IO_MANAGER,
    kinds={"pandas", "parquet"},
    deps=[raw_resources],
    check_specs=RESULT_CHECKS,
    # Dagster cannot read the type off a result that carries checks as well.
    dagster_type=dg.PythonObjectDagsterType(MergedScan),
)
def compliance_results(
    context: dg.AssetExecutionContext,
    scan_config: Config,
    configuration: ConfigurationResource,
    heartbeat: HeartbeatResource,  # noqa: ARG001 - it beats during the whole run
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Every count of the scan, merged from the evaluations of its accounts.

    An asset that takes this one as a `pandas.DataFrame` gets one row for each counted resource:
    `tag_compliance.domain.result_table.RESULT_SCHEMA`.
    """
    with as_failure():
        storage, warn = configuration.storage(), context.log.warning
        times = scan_times(context.run).not_before(load_scan_times(storage))
        merged = merge_current(scan_config, storage, warn, times)
        if merged.results.outcome is not Outcome.NOTHING:
            writer = AccountWriter(scan_config, storage, warn, merged.times.started_at)
            writer.settle(merged.failed)
        if unmatched := merged.results.unmatched_exclusions:
            warn("excluded_resource_types: no resource matches %s", ", ".join(unmatched))
        before = configuration.snapshots().status()
    return dg.MaterializeResult(
        value=merged,
        metadata=metadata.of_results(merged.results),
        check_results=check_results(merged.results, scan_config, before),
    )


@dg.asset(
    io_manager_key=IO_MANAGER,
    kinds={"parquet"},
    dagster_type=dg.PythonObjectDagsterType(HistoryFigures),
)
def violation_history(
    context: dg.AssetExecutionContext,
    scan_config: Config,
    compliance_results: MergedScan,
    configuration: ConfigurationResource,
    heartbeat: HeartbeatResource,  # noqa: ARG001 - it beats during the whole run
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """When and how each finding was opened, and when and why it was closed.

    The history of each account changes in one step, so a run can be repeated or killed at any
    moment. A history that is damaged is reported, stays as it is and is not published.
    """
    with as_failure():
        storage, warn = configuration.storage(), context.log.warning
        figures = update_history(compliance_results, scan_config, storage, warn)
    return dg.MaterializeResult(
        value=figures, metadata=metadata.of_history(figures, compliance_results.started_at)
    )


@dg.asset(kinds={"prometheus"}, check_specs=SNAPSHOT_CHECKS)
def metric_snapshot(  # noqa: PLR0913, PLR0917 - Dagster passes each of them
    context: dg.AssetExecutionContext,
    scan_config: Config,
    compliance_results: MergedScan,
    violation_history: HistoryFigures,
    configuration: ConfigurationResource,
    heartbeat: HeartbeatResource,  # noqa: ARG001 - it beats during the whole run
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The exposition that the exporter serves, published in one step.

    If no region could be read, the state metrics say so, and the numbers are those of the last good
    snapshot. If Prometheus would reject the exposition, it is not published, and the last snapshot
    stays. If another run has published since the results were merged, they are merged again: its
    numbers can be newer.
    """
    store, merged, history = configuration.snapshots(), compliance_results, violation_history
    with as_failure():
        while (published := _publish(merged, history, scan_config, store)) is None:
            context.log.warning("another run has published meanwhile; merging again")
            storage, warn = configuration.storage(), context.log.warning
            merged = merge_current(scan_config, storage, warn, merged.times)
            history = update_history(merged, scan_config, storage, warn)
        store.retain(scan_config.retain_snapshots)
        if merged.results.outcome is Outcome.NOTHING:
            # The tables stay as they were before this scan.
            failed = FailedReadings(configuration.storage(), context.log.warning)
            failed.delete(status.account_id for status in merged.failed)
    snapshot_id, contents = published
    return dg.MaterializeResult(
        metadata=metadata.of_snapshot(contents, snapshot_id, store.uri, scan_config.exporter_url),
        check_results=check_snapshot(contents, scan_config),
    )


def _publish(
    merged: MergedScan, history: HistoryFigures, config: Config, store: SnapshotStore
) -> tuple[str, SnapshotContents] | None:
    """The id and the contents of the snapshot; None if `merged` may be older than another one."""
    info = SnapshotInfo(merged.started_at, utc_now(), __version__)
    settings = snapshot_settings(config)
    contents = build_contents(merged.results, merged.load_findings, info, settings, history)
    try:
        snapshot_id = store.publish(contents.exposition, contents.status, merged.after)
    except InvalidExposition as error:
        failures = (str(error),)
        store.record(LastScan(info.scan_started_at, info.made_at, Outcome.NOTHING, failures))
        raise
    return (snapshot_id, contents) if snapshot_id else None


def snapshot_settings(config: Config) -> SnapshotSettings:
    """The part of the configuration that the content of a snapshot depends on."""
    limit = config.max_detail_series
    return SnapshotSettings(
        required_tags=config.required_tags,
        max_detail_series=limit if isinstance(limit, int) else _DETAIL_LIMITS[limit],
        refresh_interval_seconds=config.refresh_interval,
        thresholds=Thresholds(config.thresholds.good, config.thresholds.poor),
        disabled_metrics=frozenset(config.metrics.disabled),
        types=tuple(map(TypePattern, config.metrics.types)),
        max_history_series=_MAX_HISTORY_SERIES,
    )


ASSETS = (scan_config, raw_resources, compliance_results, violation_history, metric_snapshot)
