"""The pipeline of one folder, and a simple way to run it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from tag_compliance.aws.regions import known_regions
from tag_compliance.config import Config, load_config, overriding_variables
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.run_queries import UNFINISHED, latest_scan_tag
from tag_compliance.pipeline.run_requests import ACCOUNTS, publish_request, scan_requests
from tag_compliance.pipeline.run_tags import SCAN_JOB
from tag_compliance.snapshot.store import Snapshot, SnapshotStore
from tag_compliance.storage.base import Storage
from tag_compliance.storage.open import open_storage
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.exposition import CONTRACT, Exposition, Values

REGIONS = ("us-east-1", "eu-west-1")

_NOT_STARTED = {
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
}

# Where the code of a queued run is; nothing connects to it.
_ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("127.0.0.1", port=1), "__repository__"),
    SCAN_JOB,
)


@dataclass
class Pipeline:
    folder: Path
    instance: dg.DagsterInstance

    @property
    def config_path(self) -> Path:
        return self.folder / "config.yaml"

    def configure(self, account_ids: Iterable[str], **settings: Any) -> Config:
        """Writes a configuration file that scans these accounts, and loads it."""
        accounts = [
            {"account_id": a, "account_name": f"name-{a[-3:]}", "regions": list(REGIONS)}
            for a in account_ids
        ]
        content = {
            "REQUIRED_TAGS": ["Owner", "CostCenter"],
            "storage": str(self.folder / "state"),
            "calls_per_second": 0.0,
            "region_deadline": 60,
        }
        write_config(self.folder, accounts, **content | settings)
        return self.config()

    def config(self) -> Config:
        return load_config(self.config_path, os.environ, known_regions())

    @property
    def storage(self) -> Storage:
        return open_storage(self.config().storage)

    @property
    def snapshots(self) -> SnapshotStore:
        return SnapshotStore(self.storage)

    def resource(self) -> ConfigurationResource:
        return ConfigurationResource(
            path=str(self.config_path), environment=overriding_variables(os.environ)
        )

    def definitions(self, **settings: Any) -> dg.Definitions:
        return build_definitions(self.config_path, self.config(), os.environ, **settings)

    def requests(self, trigger: str = "test", key: str = "1") -> list[dg.RunRequest]:
        """The reading runs that a tick would request now."""
        return scan_requests(self.instance, self.config(), trigger, key)

    def run(self, request: dg.RunRequest, run_id: str | None = None) -> dg.ExecuteInProcessResult:
        """Executes what was requested."""
        job = self.definitions().resolve_job_def(request.job_name or SCAN_JOB)
        return job.execute_in_process(
            instance=self.instance,
            tags=dict(request.tags),
            run_config=request.run_config,
            asset_selection=list(request.asset_selection) if request.asset_selection else None,
            raise_on_error=False,
            run_id=run_id,
        )

    def scan(self) -> dg.ExecuteInProcessResult:
        """One reading run, and the publishing run that follows it; returns the last one."""
        (request,) = self.requests()
        reading = self.run(request)
        return self.run(publish_request(reading.dagster_run, latest_scan_tag(self.instance)))

    def note(
        self,
        status: dg.DagsterRunStatus,
        tags: Mapping[str, str] | None = None,
        assets: Sequence[str] | None = None,
        job: str = SCAN_JOB,
    ) -> str:
        """A run that exists only in Dagster's records, with this status.

        With `assets` it is a materialization that a person has started from the UI.
        """
        definitions = self.definitions()
        by_hand = definitions.resolve_implicit_global_asset_job_def
        executed = by_hand() if assets else definitions.resolve_job_def(job)
        run = self.instance.create_run_for_job(
            executed,
            status=status,
            tags={**executed.tags, **(tags or {})},
            asset_selection=frozenset(map(dg.AssetKey, assets)) if assets else None,
            remote_job_origin=_ORIGIN,
        )
        now = datetime.now(UTC).timestamp()
        started = None if status in _NOT_STARTED else now
        ended = None if status in UNFINISHED else now
        _update(self.instance, run.run_id, start_time=started, end_time=ended)
        return run.run_id

    def partitions(self) -> list[str]:
        return list(self.instance.get_dynamic_partitions(ACCOUNTS.name or ""))

    def current(self) -> Snapshot:
        snapshot = self.snapshots.load()
        assert snapshot is not None
        return snapshot

    def samples(self, names: Iterable[str] = CONTRACT) -> Values:
        """The current snapshot's values of these metrics."""
        return samples_of(self.current().plain, names)


def samples_of(exposition: bytes, names: Iterable[str] = CONTRACT) -> Values:
    return Exposition(exposition.decode()).values(names)


def of_account(samples: Values, account_id: str) -> Values:
    return {key: value for key, value in samples.items() if ("account_id", account_id) in key[1]}


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """The description that a person reads of the first step that failed."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            assert data.user_failure_data is not None, data.error_display_string
            return data.user_failure_data.description or ""
    raise AssertionError("no step failed")


def metadata_of(
    instance: dg.DagsterInstance, asset: str, partition: str | None = None
) -> dict[str, Any]:
    """The values that the UI shows of the latest materialization."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(
            asset_key=dg.AssetKey(asset), asset_partitions=[partition] if partition else None
        ),
        limit=1,
    ).records
    materialization = records[0].asset_materialization
    assert materialization is not None
    return {name: value.value for name, value in materialization.metadata.items()}


def make_older(
    instance: dg.DagsterInstance, run_id: str, by: timedelta, *, and_silent: bool = True
) -> None:
    """Moves into the past when the run was created, and when Dagster last updated it."""
    record = instance.get_run_record_by_id(run_id)
    assert record is not None
    _update(instance, run_id, create_timestamp=_naive(record.create_timestamp) - by)
    if and_silent:
        _update(instance, run_id, update_timestamp=_naive(record.update_timestamp) - by)


def move_end(instance: dg.DagsterInstance, run_id: str, to: datetime) -> None:
    """Changes when the run ended."""
    _update(instance, run_id, end_time=to.timestamp())


def _update(instance: dg.DagsterInstance, run_id: str, **values: object) -> None:
    storage = instance.run_storage
    assert isinstance(storage, SqlRunStorage)
    with storage.connect() as connection:
        connection.execute(RunsTable.update().where(RunsTable.c.run_id == run_id).values(**values))


def _naive(moment: datetime) -> datetime:
    """As Dagster's tables have it: in UTC, without a time zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
