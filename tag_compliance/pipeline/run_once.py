"""One scan in this process, through Dagster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from tag_compliance.config import Config
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import Outcome
from tag_compliance.errors import StorageRefused
from tag_compliance.pipeline import housekeeping, metadata
from tag_compliance.pipeline.account_events import materialized_by
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.pipeline.resources import ProgressResource
from tag_compliance.pipeline.run_queries import has_read
from tag_compliance.pipeline.run_requests import range_tags, sync_partitions
from tag_compliance.pipeline.run_tags import (
    ACCOUNT_TAG,
    CLI_TRIGGER,
    ONE_AT_A_TIME,
    PARTS_TAG,
    PUBLISH_JOB,
    PUBLISHES_TAG,
    RAW_RESOURCES,
    RUN_CONFIG,
    SCAN_JOB,
    SCAN_TAG,
    TRIGGER_TAG,
    scan_id,
)
from tag_compliance.snapshot.store import Snapshot, SnapshotStore
from tag_compliance.storage.open import open_storage
from tag_compliance.storage.temporary import TemporaryFolder

_ADVICE = "correct its dagster.yaml, free some space, or set DAGSTER_HOME to another folder"


@dataclass(frozen=True)
class FinishedScan:
    """`snapshot` is the published one; None if the scan failed, and `failure` says why.

    Its status is that of this scan, which is partial if something that it read was not stored.
    """

    run_id: str
    snapshot: Snapshot | None
    failure: str = ""


def run_once(
    config: Config,
    config_path: Path,
    environment: Mapping[str, str],
    progress: ProgressResource,
    account: str | None = None,
) -> FinishedScan:
    """Runs one scan in this process, over all accounts or only over one.

    A scan is a reading run and a publishing run, as the daemon would start them. Both are recorded
    in the instance of `DAGSTER_HOME` and visible in its UI; without that variable they are recorded
    nowhere. `config` is the content of the file at `config_path`.
    """
    definitions = build_definitions(config_path, config, environment, progress=progress)
    with opened_instance(environment.get("DAGSTER_HOME") or None) as instance:
        accounts = sync_partitions(instance, config)
        tags = {TRIGGER_TAG: CLI_TRIGGER, **ONE_AT_A_TIME}
        # A scan of one account has no scan tag: whatever is stored of the other accounts counts.
        tags |= {ACCOUNT_TAG: account} if account else {SCAN_TAG: scan_id(utc_now())}
        partitions = range_tags(account or accounts[0], account or accounts[-1])
        reading = _run(definitions, SCAN_JOB, instance, {**tags, PARTS_TAG: "1", **partitions})
        read = instance.get_run_by_id(reading.run_id)
        if read is None or not has_read(read):
            return FinishedScan(reading.run_id, None, _failure_of(reading))
        publishing = _run(
            definitions, PUBLISH_JOB, instance, {**tags, PUBLISHES_TAG: reading.run_id}
        )
        stored = materialized_by(instance, reading.run_id, dg.AssetKey(RAW_RESOURCES))
        if housekeeping.is_due(instance, config.retain_runs_days):
            _run(definitions, housekeeping.JOB, instance, {})
    if not publishing.success:
        return FinishedScan(publishing.run_id, None, _failure_of(publishing))
    snapshot = SnapshotStore(open_storage(config.storage)).load()
    return FinishedScan(publishing.run_id, snapshot and _as_read(snapshot, stored))


def _as_read(snapshot: Snapshot, stored: Mapping[str, metadata.Metadata]) -> Snapshot:
    """The status of the published snapshot does not know what was refused before."""
    outcome = dg.TextMetadataValue(str(metadata.NOT_STORED["outcome"]))
    refused = tuple(
        f"{account_id}: {outcome.value}"
        for account_id, shown in stored.items()
        if shown["outcome"] == outcome
    )
    if not refused:
        return snapshot
    published = snapshot.status
    complete = published.outcome is Outcome.COMPLETE
    status = replace(
        published,
        outcome=Outcome.PARTIAL if complete else published.outcome,
        failures=(*refused, *published.failures),
    )
    return replace(snapshot, status=status)


def _run(
    definitions: dg.Definitions, job: str, instance: dg.DagsterInstance, tags: dict[str, str]
) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def(job).execute_in_process(
        instance=instance, tags=tags, run_config=RUN_CONFIG, raise_on_error=False
    )


@contextlib.contextmanager
def opened_instance(home: str | None) -> Iterator[dg.DagsterInstance]:
    """Raises `StorageRefused` if the home or the database of its instance cannot be used."""
    if home is None:
        # Dagster's own folder would stay forever after a kill.
        with (
            TemporaryFolder("dagster") as folder,
            dg.DagsterInstance.ephemeral(str(folder.path)) as ephemeral,
        ):
            yield ephemeral
        return
    try:
        with dg.DagsterInstance.from_config(home) as instance:
            yield instance
    except (SQLAlchemyError, dg.DagsterInvalidConfigError) as error:
        cause = next(iter(str(error.__cause__ or error).split("\n")))
        raise StorageRefused(home, "use", cause, _ADVICE) from error


def _failure_of(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            return _cause_of(data.error) if data.error else ""
        # Before the first step or between two of them: the last event of the run.
        if event.is_job_failure and (error := event.job_failure_data.error):
            return _cause_of(error)
    return ""


def _cause_of(error: Any) -> str:
    """The innermost cause of Dagster's `SerializableErrorInfo`, which only names the step."""
    while error.cause is not None:
        error = error.cause
    return " ".join(error.message.split())
