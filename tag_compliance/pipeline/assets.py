"""The four assets: configuration, raw resources by account, validated results, metric snapshot."""

from datetime import timedelta

import dagster as dg

from tag_compliance import __version__
from tag_compliance.aws.scanner import scan_accounts
from tag_compliance.config import Config, OnFailure
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import count
from tag_compliance.domain.evaluation import evaluate
from tag_compliance.domain.families import Occasion
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.reconcile import ExpectedAccount, reconcile
from tag_compliance.domain.results import COUNTED_COLUMNS, ComplianceResults
from tag_compliance.domain.scan import ScannedAccount, failures_of
from tag_compliance.errors import BadConfiguration, NothingScanned, TagComplianceError
from tag_compliance.pipeline import metadata
from tag_compliance.pipeline.checks import (
    RESULT_CHECKS,
    SNAPSHOT_CHECKS,
    check_results,
    check_snapshot,
)
from tag_compliance.pipeline.partitions import ACCOUNTS
from tag_compliance.pipeline.resources import (
    ConfigurationResource,
    HeartbeatResource,
    ProgressResource,
)
from tag_compliance.pipeline.runs import scan_began_at
from tag_compliance.snapshot.builder import build_contents, outcome_of
from tag_compliance.snapshot.status import LastScan, Outcome

IO_MANAGER = "tag_compliance_io"


@dg.asset(io_manager_key=IO_MANAGER, kinds={"yaml"})
def scan_config(configuration: ConfigurationResource) -> dg.MaterializeResult[Config]:
    """What is to be scanned and required: the configuration file as this run read it."""
    try:
        config = configuration.load()
    except BadConfiguration as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    return dg.MaterializeResult(value=config, metadata=metadata.of_config(config))


@dg.asset(
    io_manager_key=IO_MANAGER,
    kinds={"aws", "parquet"},
    partitions_def=ACCOUNTS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def raw_resources(
    context: dg.AssetExecutionContext,
    scan_config: Config,
    scan_progress: dg.ResourceParam[ProgressResource],
    heartbeat: HeartbeatResource,  # noqa: ARG001 - asked for, it beats for the whole run
) -> list[ScannedAccount]:
    """Every tagged resource of the run's accounts, as the Resource Groups Tagging API returns it.

    One account's failure is data: it is in the partition's metadata, and the run goes on.
    """
    accounts = scan_accounts(scan_config, context.partition_keys, scan_progress)
    for account in accounts:
        context.add_asset_metadata(
            metadata.of_account(evaluate([account], _policy(scan_config))),
            partition_key=account.scan.account_id,
        )
    failures = failures_of([account.scan for account in accounts])
    if failures:
        context.log.warning("not read: %s", "; ".join(failures))
    return accounts


@dg.asset(
    io_manager_key=IO_MANAGER,
    kinds={"pandas", "parquet"},
    check_specs=RESULT_CHECKS,
    # Dagster cannot read the type off a result that carries checks as well.
    dagster_type=dg.PythonObjectDagsterType(ComplianceResults),
)
def compliance_results(
    context: dg.AssetExecutionContext,
    scan_config: Config,
    raw_resources: dict[str, ScannedAccount],
    configuration: ConfigurationResource,
    heartbeat: HeartbeatResource,  # noqa: ARG001 - a run that publishes alone beats, too
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Every counted resource with the required tags that it has and lacks.

    Rows: `tag_compliance.domain.results.RESULT_SCHEMA`. An asset that takes this one as a
    `pandas.DataFrame` gets just them.
    """
    expected = [
        ExpectedAccount(account.account_id, account.account_name, account.regions)
        for account in scan_config.aws_account_matrix
    ]
    keep = scan_config.on_failure is OnFailure.KEEP_LAST
    results = evaluate(
        reconcile(
            expected,
            raw_resources,
            scanned_since=scan_began_at(context.op_execution_context.run_tags),
        ),
        _policy(scan_config),
        keep_since=utc_now() - timedelta(seconds=scan_config.keep_last_for) if keep else None,
    )
    counts, before = count(results), configuration.snapshots().status()
    return dg.MaterializeResult(
        value=results,
        metadata=metadata.of_results(results, counts),
        check_results=check_results(results, counts, scan_config, before),
    )


@dg.asset(
    kinds={"prometheus"},
    check_specs=SNAPSHOT_CHECKS,
    # The tags themselves are the larger part of the rows, and no metric shows them.
    ins={"compliance_results": dg.AssetIn(metadata={"columns": list(COUNTED_COLUMNS)})},
)
def metric_snapshot(
    scan_config: Config, compliance_results: ComplianceResults, configuration: ConfigurationResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The exposition that the exporter serves, published in one step.

    Where not one region could be read nothing is published: the last good snapshot stays.
    """
    store = configuration.snapshots()
    started_at = max(scan.started_at for scan in compliance_results.scans)
    occasion = Occasion(started_at, utc_now(), __version__)
    failures = compliance_results.failures
    try:
        if outcome_of(compliance_results) is Outcome.NOTHING:
            store.record(LastScan(started_at, occasion.made_at, Outcome.NOTHING, failures))
            raise NothingScanned(failures)
        contents = build_contents(
            compliance_results,
            occasion,
            max_detail_series=scan_config.max_detail_series,
            refresh_interval=scan_config.refresh_interval,
        )
        snapshot_id = store.publish(contents.exposition, contents.status)
        store.retain(scan_config.retain_snapshots)
    except TagComplianceError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    return dg.MaterializeResult(
        metadata=metadata.of_snapshot(contents, snapshot_id, store.uri, scan_config.exporter_url),
        check_results=check_snapshot(contents, scan_config),
    )


def _policy(config: Config) -> Policy:
    return Policy(config.required_tags, config.excluded_resource_types)
