"""One scan in this process, through Dagster: each asset is materialized once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from tag_compliance.config import Config
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.pipeline.partitions import range_tags, sync_partitions
from tag_compliance.pipeline.resources import ProgressResource
from tag_compliance.pipeline.runs import (
    ACCOUNT_TAG,
    JOB,
    ONE_AT_A_TIME,
    RUN_CONFIG,
    TRIGGER_TAG,
)
from tag_compliance.snapshot.store import Snapshot, SnapshotStore
from tag_compliance.storage.open import open_storage


@dataclass(frozen=True)
class ScanRun:
    """The result of a run: the snapshot that is current now, and a description of the failure."""

    succeeded: bool
    run_id: str
    snapshot: Snapshot | None
    failure: str


def run_scan(
    config: Config,
    config_path: Path,
    environment: Mapping[str, str],
    progress: ProgressResource,
    account: str | None = None,
) -> ScanRun:
    """Runs the scan job in this process, over all accounts or only over one.

    The run is recorded in the instance of `DAGSTER_HOME` and visible in its UI; without that
    variable it is recorded nowhere. `config` is the content of the file at `config_path`.
    """
    definitions = build_definitions(config_path, config, environment, progress=progress)
    with _instance(environment.get("DAGSTER_HOME")) as instance:
        accounts = sync_partitions(instance, config)
        result = definitions.resolve_job_def(JOB).execute_in_process(
            instance=instance,
            tags={
                **range_tags(account or accounts[0], account or accounts[-1]),
                **ONE_AT_A_TIME,
                TRIGGER_TAG: "cli",
                **({ACCOUNT_TAG: account} if account else {}),
            },
            run_config=RUN_CONFIG,
            raise_on_error=False,
        )
    snapshot = SnapshotStore(open_storage(config.storage)).load() if result.success else None
    return ScanRun(result.success, result.run_id, snapshot, _failure_of(result))


def _instance(home: str | None) -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(home) if home else dg.DagsterInstance.ephemeral()


def _failure_of(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            failure = data.user_failure_data
            if failure is not None and failure.description:
                return failure.description
            return data.error_display_string.strip().splitlines()[0] if data.error else ""
    for event in result.all_events:
        # Before the first step or between two of them.
        if event.is_job_failure and (error := event.job_failure_data.error):
            while error.cause is not None:
                error = error.cause
            return " ".join(error.message.split())
    return ""
