"""The assets: configuration, raw resources by account, results, history, metric snapshot.

`scan_config` is the one configuration of a scan: the downstream assets take targets, policy and
settings from it, as the reading run stored it. They use the configuration file itself only to find
the storage.
"""

import contextlib
import warnings
from collections.abc import Iterable, Iterator

import dagster as dg

from tag_compliance import __version__
from tag_compliance.aws.discovery import refresh, require_targets
from tag_compliance.aws.sources.plan import request_of
from tag_compliance.aws.targets import resolve, targets_of
from tag_compliance.config import Config, DetailLimit, FailedAccountRun
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.coverage import coverage_rows
from tag_compliance.domain.history.figures import HistoryFigures
from tag_compliance.domain.metrics.table import SnapshotInfo
from tag_compliance.domain.policy_warnings import warnings_of
from tag_compliance.domain.read_status import Outcome, Source
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.domain.type_patterns import TypePattern
from tag_compliance.errors import InvalidExposition, TagComplianceError
from tag_compliance.pipeline import metadata
from tag_compliance.pipeline.account_events import AccountEvents, AccountReading
from tag_compliance.pipeline.account_writer import AccountWriter, next_reading_run
from tag_compliance.pipeline.checks import (
    RESULT_CHECKS,
    SNAPSHOT_CHECKS,
    check_results,
    check_snapshot,
)
from tag_compliance.pipeline.findings_database import FindingsDatabase
from tag_compliance.pipeline.history import update_history
from tag_compliance.pipeline.housekeeping import delete_leftovers
from tag_compliance.pipeline.io_manager import as_failure
from tag_compliance.pipeline.merge import MergedScan, merge_current, policy_of
from tag_compliance.pipeline.resources import (
    AwsResource,
    ConfigurationResource,
    HeartbeatResource,
    ProgressResource,
)
from tag_compliance.pipeline.run_requests import ACCOUNTS, add_partitions
from tag_compliance.pipeline.run_tags import PARTS_TAG, POLICY, SCAN_TAG, scan_times
from tag_compliance.pipeline.stored_findings import StoredFindings, console_link_of
from tag_compliance.pipeline.stored_scan import load_scan_times
from tag_compliance.snapshot.builder import SnapshotContents, SnapshotSettings, build_contents
from tag_compliance.snapshot.status import LastScan
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.base import Storage
from tag_compliance.tables.coverage import Coverage, StoredCoverage
from tag_compliance.tables.failed_readings import FailedReadings
from tag_compliance.tables.organization import Organizations
from tag_compliance.tables.parquet import Warn
from tag_compliance.tables.raw_resources import RawResources
from tag_compliance.tables.reusable_results import ReusableResults

IO_MANAGER = "tag_compliance_io"

_NOT_PARTITIONED = (
    "name the accounts to read: a partition, or a range of partitions, of raw_resources; "
    "`tag-compliance scan` reads all accounts"
)
POLICY_SPEC = dg.AssetSpec(
    POLICY,
    description="The rules and waivers of the policy files. Each reading run records the content "
    "that it uses, so that a change is visible in the lineage.",
    kinds={"yaml"},
)
"""Nothing in Dagster makes it: people write the files."""

_LIMITS = {DetailLimit.OFF: 0, DetailLimit.UNLIMITED: None}


@dg.asset(io_manager_key=IO_MANAGER, kinds={"yaml"})
def scan_config(
    context: dg.AssetExecutionContext,
    configuration: ConfigurationResource,
    heartbeat: HeartbeatResource,  # noqa: ARG001 - it beats during the whole run
) -> dg.MaterializeResult[Config]:
    """What to read and what to require: the configuration file as this run read it.

    With the key `organization`, the accounts to read are those of the stored list. A run of this
    asset alone reads the list from AWS Organizations, and so does any run as long as there is none.
    Adds the accounts to the partitions of `raw_resources`, so that they can be materialized in an
    instance in which no schedule or sensor has run.
    """
    with as_failure():
        config, found = configuration.load(), configuration.organization(context.log.warning)
        alone = context.run.asset_selection == {context.asset_key}
        if config.organization is not None and (alone or found is None):
            found = refresh(config, configuration.storage(), context.log.warning)
        scan, parts = (context.run.tags.get(tag) for tag in (SCAN_TAG, PARTS_TAG))
        if found is not None and scan and parts not in {None, "1"}:
            repository = Organizations(configuration.storage(), context.log.warning)
            found = repository.of_scan(scan, found)
        scanned = require_targets(resolve(config, found), found)
    add_partitions(context.instance, scanned)
    if scanned.policy.files:
        key = [*context.asset_key.path[:-1], POLICY]
        context.log_event(dg.AssetMaterialization(key, metadata=metadata.of_policy(scanned)))
    for warning in warnings_of(policy_of(scanned), targets_of(scanned)):
        context.log.warning("policy: %s", warning)
    shown = metadata.of_config(scanned, found, context.asset_key.path[:-1])
    return dg.MaterializeResult(value=scanned, metadata=shown)


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
def raw_resources(  # noqa: PLR0913, PLR0917 - each is an input or a Dagster resource
    context: dg.AssetExecutionContext,
    scan_config: Config,
    configuration: ConfigurationResource,
    tag_compliance_aws: dg.ResourceParam[AwsResource],
    scan_progress: dg.ResourceParam[ProgressResource],
    heartbeat: HeartbeatResource,  # noqa: ARG001 - it beats during the whole run
) -> None:
    """Every resource of the run's accounts, as the sources that are on return it.

    Each account is stored and evaluated as soon as it is read. If one fails, the others are read,
    and the run fails at its end unless `failed_account_run` is `warn`. If that run is re-executed
    from failure, only the accounts that failed are read again.
    """
    if not (context.has_partition_key or context.has_partition_key_range):
        raise dg.Failure(_NOT_PARTITIONED, allow_retries=False)
    events = AccountEvents(context)
    with as_failure():
        wanted = set(context.partition_keys) - events.kept.keys()
        targets = targets_of(scan_config, wanted)
        reusable = _reusable_results(scan_config, configuration.storage(), context.log.warning)
        accounts = tag_compliance_aws.read_accounts(
            scan_config, targets, scan_progress, reusable.take
        )
        readings = list(_store_accounts(context, scan_config, configuration, accounts))
    fails = scan_config.failed_account_run is FailedAccountRun.FAIL
    events.end(readings, may_fail=fails)


def _store_accounts(
    context: dg.AssetExecutionContext,
    config: Config,
    configuration: ConfigurationResource,
    accounts: Iterable[AccountInventory],
) -> Iterator[AccountReading]:
    times, warn = scan_times(context.run), context.log.warning
    storage = configuration.storage()
    delete_leftovers(configuration)
    number = next_reading_run(storage)
    writer = AccountWriter(config, storage, warn, times.started_at, number, times.scan)
    for inventory in accounts:
        evaluation = writer.store(inventory)
        shown = metadata.of_account(evaluation) if evaluation else metadata.NOT_STORED
        yield AccountReading(inventory.status, shown, replaced=evaluation is None)


def _reusable_results(config: Config, storage: Storage, warn: Warn) -> ReusableResults:
    source, seconds = Source.RESOURCE_EXPLORER, config.resource_explorer_refresh
    request = request_of(config, source)
    return ReusableResults(RawResources(storage, warn), source, request, seconds)


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
        times = scan_times(context.run).not_before(load_scan_times(storage, warn))
        merged = merge_current(scan_config, storage, warn, times)
        if merged.results.outcome is not Outcome.NOTHING:
            writer = AccountWriter(scan_config, storage, warn, merged.times.started_at)
            writer.settle(merged.failed)
        if unmatched := merged.results.unmatched_exclusions:
            warn("excluded_resource_types: no resource matches %s", ", ".join(unmatched))
        before = configuration.snapshots().status()
    return dg.MaterializeResult(
        value=merged,
        metadata=metadata.of_results(merged.results, policy_of(scan_config)),
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
    link = console_link_of(scan_config)
    shown = metadata.of_history(figures, compliance_results.started_at, link)
    return dg.MaterializeResult(value=figures, metadata=shown)


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
        storage, warn = configuration.storage(), context.log.warning
        while (
            published := _publish(
                StoredFindings(scan_config, merged, storage, warn), history, store
            )
        ) is None:
            warn("another run has published meanwhile; merging again")
            merged = merge_current(scan_config, storage, warn, merged.times)
            history = update_history(merged, scan_config, storage, warn)
        if merged.results.outcome is Outcome.NOTHING:
            # The tables stay as they were before this scan.
            failed = FailedReadings(storage, warn)
            failed.delete(inventory.status.account_id for inventory in merged.failed)
        elif merged is not compliance_results:  # another scan has read something meanwhile
            writer = AccountWriter(scan_config, storage, warn, merged.times.started_at)
            writer.settle(merged.failed)
    snapshot_id, contents, failure = published
    shown = metadata.of_snapshot(contents, snapshot_id, store.uri, scan_config.exporter_url)
    try:
        store.retain(scan_config.retain_snapshots)
    except TagComplianceError as error:  # the scan is published
        context.log.warning("old snapshots were not deleted: %s", error)
        shown = {**shown, "retention": f"failed: {error}"}
    if failure is not None:
        with as_failure():
            raise failure
    return dg.MaterializeResult(metadata=shown, check_results=check_snapshot(contents, scan_config))


def _publish(
    findings: StoredFindings, history: HistoryFigures, store: SnapshotStore
) -> tuple[str, SnapshotContents, TagComplianceError | None] | None:
    """The id and the contents of the snapshot, and why it has no findings database.

    None if the merged results may be older than other ones.
    """
    merged, config = findings.merged, findings.config
    info = SnapshotInfo(merged.started_at, utc_now(), __version__)
    before = store.status()
    settings = snapshot_settings(config, before.shown_owners if before else ())
    contents = build_contents(merged.results, merged.load_findings, info, settings, history)
    database = FindingsDatabase(findings, contents.status) if config.findings_database else None
    try:
        snapshot_id = store.publish(contents.exposition, contents.status, merged.after, database)
    except InvalidExposition as error:
        failures = (str(error),)
        store.record(LastScan(info.scan_started_at, info.made_at, Outcome.NOTHING, failures))
        raise
    if snapshot_id is None:
        return None
    rows = tuple(coverage_rows(merged.results))
    stored = Coverage(findings.storage, findings.warn)
    stored.store(StoredCoverage(snapshot_id, info.scan_started_at, rows))
    return snapshot_id, contents, database.failure if database else None


def snapshot_settings(config: Config, owners_before: tuple[str, ...] = ()) -> SnapshotSettings:
    """The part of the configuration that the content of a snapshot depends on.

    `owners_before` are the owners that have series in the last snapshot.
    """
    return SnapshotSettings(
        required_tags=config.required_tags,
        max_detail_series=_series(config.max_detail_series),
        refresh_interval_seconds=config.refresh_interval,
        thresholds=Thresholds(config.thresholds.good, config.thresholds.poor),
        disabled_metrics=frozenset(config.metrics.disabled),
        types=tuple(map(TypePattern, config.metrics.types)),
        policy=policy_of(config),
        max_rule_series=_series(config.max_rule_series),
        max_owner_series=_series(config.max_owner_series) if config.owner_tags else 0,
        owners_before=owners_before,
        max_findings_rows=config.max_findings_rows if config.findings_database else None,
    )


def _series(limit: int | DetailLimit) -> int | None:
    return limit if isinstance(limit, int) else _LIMITS[limit]


ASSETS = (scan_config, raw_resources, compliance_results, violation_history, metric_snapshot)
