"""The pipeline of one folder, and a simple way to run it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tag_compliance.aws.regions import known_regions
from tag_compliance.config import Config, load_config, overriding_variables
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.evaluation import Evaluation
from tag_compliance.domain.read_status import Outcome
from tag_compliance.pipeline.account_writer import AccountWriter, next_reading_run
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.pipeline.resources import ConfigurationResource, ProgressResource
from tag_compliance.pipeline.run_once import FinishedScan, run_once
from tag_compliance.pipeline.run_queries import UNFINISHED, latest_scan_tag
from tag_compliance.pipeline.run_requests import ACCOUNTS, publish_request, scan_requests
from tag_compliance.pipeline.run_tags import SCAN_JOB
from tag_compliance.snapshot.store import Snapshot, SnapshotStore
from tag_compliance.storage.base import Storage
from tag_compliance.storage.open import open_storage
from tag_compliance.tables.findings import Findings, encode_evaluation
from tag_compliance.tables.raw_resources import RawResources, encode_inventory
from tag_compliance_tests.pipeline.recorded_runs import UI_JOB, make_older, record, run_of
from tag_compliance_tests.pipeline.tables import account, evaluation_file, inventory_file
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.exposition import CONTRACT, Exposition, Values

_NOT_STARTED = {
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
}


@dataclass
class Pipeline:
    """`ids` are the configured accounts."""

    folder: Path
    instance: dg.DagsterInstance
    ids: list[str] = field(default_factory=list)

    @property
    def config_path(self) -> Path:
        return self.folder / "config.yaml"

    def configure(self, account_ids: Iterable[str] | None = None, **settings: Any) -> Config:
        """Writes a configuration file that scans these accounts, or those of before; loads it."""
        self.ids = self.ids if account_ids is None else list(account_ids)
        accounts = [
            {"account_id": a, "account_name": f"name-{a[-3:]}", "regions": list(REGIONS)}
            for a in self.ids
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
        return ConfigurationResource.of(self.config_path, overriding_variables(os.environ))

    def definitions(self, **settings: Any) -> dg.Definitions:
        return build_definitions(self.config_path, self.config(), os.environ, **settings)

    def requests(self, trigger: str = "test", key: str = "1") -> list[dg.RunRequest]:
        """The reading runs that a tick would request now."""
        return scan_requests(self.instance, self.config(), trigger, key)

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Executes what was requested."""
        job = self.definitions().resolve_job_def(request.job_name or SCAN_JOB)
        return job.execute_in_process(
            instance=self.instance,
            tags=dict(request.tags),
            run_config=request.run_config,
            asset_selection=list(request.asset_selection) if request.asset_selection else None,
            raise_on_error=False,
        )

    def scan(self) -> dg.ExecuteInProcessResult:
        """One reading run, and the publishing run that follows it; returns the last one."""
        (request,) = self.requests()
        reading = self.run(request)
        return self.run(publish_request(reading.dagster_run, latest_scan_tag(self.instance)))

    def run_once(self, account: str | None = None, **environment: str) -> FinishedScan:
        """A scan as the command line does it; its runs are recorded in `DAGSTER_HOME`."""
        variables = {**os.environ, **environment}
        return run_once(self.config(), self.config_path, variables, ProgressResource(), account)

    def materialize(
        self,
        *assets: str,
        partition: str | None = None,
        definitions: dg.Definitions | None = None,
        **more: Any,
    ) -> dg.ExecuteInProcessResult:
        """A materialization as from the UI: Dagster's own job with these assets; it succeeds."""
        job = (definitions or self.definitions()).resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            partition_key=partition,
            asset_selection=[dg.AssetKey(name.split("/")) for name in assets] or None,
            **more,
        )

    def note(
        self,
        status: dg.DagsterRunStatus,
        tags: Mapping[str, str] | None = None,
        assets: Sequence[str] = (),
        job: str = SCAN_JOB,
        older_by: timedelta | None = None,
    ) -> str:
        """A run that exists only in Dagster's records, with this status.

        With `assets` it is a materialization that a person has started from the UI.
        """
        run = run_of(UI_JOB if assets else job, assets, status=status, tags=tags)
        now = utc_now().timestamp()
        started = None if status in _NOT_STARTED else now
        record(self.instance, run, started, None if status in UNFINISHED else now)
        if older_by:
            make_older(self.instance, run.run_id, older_by)
        return run.run_id

    def status_of(self, run_id: str) -> dg.DagsterRunStatus:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status

    def partitions(self) -> list[str]:
        return list(self.instance.get_dynamic_partitions(ACCOUNTS.name or ""))

    def store_reading(self, account_id: str, good: int = 1, at: datetime | None = None) -> None:
        """Another process reads the account: in each region `good` resources, and one other."""
        storage, started_at = self.storage, at or utc_now()
        number = next_reading_run(storage)
        writer = AccountWriter(self.config(), storage, pytest.fail, started_at, number)
        assert writer.store(account(account_id, *REGIONS, good=good, at=at)) is not None

    def make_stored_older(self, *account_ids: str) -> None:
        """The accounts were read a minute earlier: by more than the clocks of hosts may differ."""
        storage = self.storage
        for account_id in map(AccountId, account_ids):
            inventory = RawResources(storage, pytest.fail).load(account_id)
            stored = Findings(storage, pytest.fail).load(account_id)
            assert inventory is not None
            assert stored is not None
            started_at = inventory.status.started_at - timedelta(minutes=1)
            status = replace(inventory.status, started_at=started_at)
            evaluation = Evaluation(status, stored.basis, stored.findings(), stored.summary)
            inventory = replace(inventory, status=status)
            storage.write(inventory_file(account_id), encode_inventory(inventory))
            storage.write(evaluation_file(account_id), encode_evaluation(evaluation))

    def current(self) -> Snapshot:
        snapshot = self.snapshots.load()
        assert snapshot is not None
        return snapshot

    def last_outcome(self) -> Outcome:
        """Of the last scan, whether or not it was published."""
        last = self.snapshots.look().last_scan
        assert last is not None
        return last.outcome

    def failed_accounts(self) -> list[str]:
        """Those that are failed in the current snapshot."""
        return [str(a.account_id) for a in self.current().status.accounts if not a.succeeded]

    def samples(self) -> Values:
        """The current snapshot's values of the ten contract metrics."""
        return samples_of(self.current().plain)


def samples_of(exposition: bytes) -> Values:
    return Exposition(exposition.decode()).values(CONTRACT)


def of_account(samples: Values, account_id: str) -> Values:
    return {key: value for key, value in samples.items() if ("account_id", account_id) in key[1]}


def families_with(exposition: bytes, account_id: str) -> set[str]:
    """The metrics that have a sample of the account."""
    values = Exposition(exposition.decode()).values()
    return {name for name, _ in of_account(values, account_id)}


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """The description that a person reads of the first step that failed."""
    failed = next(event for event in result.all_events if event.is_step_failure)
    data = failed.step_failure_data
    assert data.user_failure_data is not None, data.error_display_string
    return data.user_failure_data.description or ""


def metadata_of(
    instance: dg.DagsterInstance, asset: str, partition: str | None = None
) -> dict[str, Any]:
    """The values that the UI shows of the latest materialization or observation."""
    return {name: value.value for name, value in shown_metadata(instance, asset, partition).items()}


def shown_metadata(
    instance: dg.DagsterInstance, asset: str, partition: str | None = None
) -> dict[str, dg.MetadataValue]:
    """The same with Dagster's types."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), [partition] if partition else None)
    found = [
        *instance.fetch_materializations(wanted, limit=1).records,
        *instance.fetch_observations(wanted, limit=1).records,
    ]
    entry = max(found, key=lambda record: record.storage_id).event_log_entry
    event = entry.asset_materialization or entry.asset_observation
    assert event is not None
    return dict(event.metadata)
