"""The values between the assets: what is stored, what is read, and what downstream assets get."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import dagster as dg
import pandas as pd
import pytest

from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import Outcome
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.pipeline.assets import ASSETS, IO_MANAGER
from tag_compliance.pipeline.io_manager import TableIOManager
from tag_compliance.pipeline.resources import (
    ConfigurationResource,
    HeartbeatResource,
    ProgressResource,
)
from tag_compliance.pipeline.run_requests import range_tags
from tag_compliance.pipeline.run_tags import PUBLISH_JOB, SCAN_TAG, scan_id
from tag_compliance.storage.base import Storage
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.pipelines import Pipeline, failure_of, of_account
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage

ONE = "100000000000"

SCHEMA = {
    "account_id": "category",
    "account_name": "category",
    "region": "category",
    "arn": "string[pyarrow]",
    "service": "category",
    "resource_type": "category",
    "tags": "map<string, string>[pyarrow]",
    "present_tags": "list<item: string>[pyarrow]",
    "missing_tags": "list<item: string>[pyarrow]",
    "compliant": "bool",
}
"""Assets of other teams depend on this. Columns may be added, never renamed or retyped."""


def frame_of(pipeline: Pipeline) -> pd.DataFrame:
    """What an asset of another team gets, in a run of its own."""
    frames: list[pd.DataFrame] = []

    @dg.asset
    def of_another_team(compliance_results: pd.DataFrame) -> None:
        frames.append(compliance_results)

    merged = dg.Definitions.merge(pipeline.definitions(), dg.Definitions(assets=[of_another_team]))
    result = merged.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=pipeline.instance, asset_selection=[dg.AssetKey("of_another_team")]
    )
    assert result.success
    return frames[0]


def test_the_configuration_the_times_and_two_tables_for_each_account_are_stored(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    assert scanning.storage.names("tables/") == [
        *(f"tables/findings/{account_id}.parquet" for account_id in ids_of(fake)),
        *(f"tables/raw_resources/{account_id}.parquet" for account_id in ids_of(fake)),
        "tables/reading_runs",
        "tables/scan_config.json",
        "tables/scan_times.json",
    ]


_operations: Counter[tuple[str, str]] = Counter()


class _CountedConfiguration(ConfigurationResource):
    """With a storage that counts its operations; Dagster copies the resource for each run."""

    def storage(self) -> Storage:
        return InterceptedStorage(super().storage(), lambda *call: _operations.update([call]))


def test_a_scan_writes_each_table_once_and_reads_each_evaluation_once(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    accounts = scanning.partitions()
    resource = scanning.resource()
    configuration = _CountedConfiguration(path=resource.path, environment=resource.environment)
    for assets, tags in (
        (["scan_config", "raw_resources"], range_tags(accounts[0], accounts[-1])),
        (["compliance_results", "metric_snapshot"], {}),
    ):
        _operations.clear()
        result = dg.materialize(
            ASSETS,
            instance=scanning.instance,
            selection=assets,
            tags=tags,
            resources={
                "configuration": configuration,
                "heartbeat": HeartbeatResource(configuration=configuration),
                "scan_progress": ProgressResource(),
                IO_MANAGER: TableIOManager(configuration=configuration),
            },
        )
        assert result.success
        tables = {call: n for call, n in _operations.items() if call[1].endswith(".parquet")}
        if "raw_resources" in assets:
            assert tables == {
                ("update", f"tables/{table}/{account_id}.parquet"): 1
                for account_id in accounts
                for table in ("raw_resources", "findings")
            }
        else:
            assert tables == {
                ("read", f"tables/findings/{account_id}.parquet"): 1 for account_id in accounts
            }


def test_a_downstream_asset_gets_the_inventories_of_its_accounts(scanning: Pipeline) -> None:
    scanning.scan()
    inputs: list[dict[str, AccountInventory]] = []

    @dg.asset
    def of_another_team(raw_resources: dict[str, AccountInventory]) -> None:
        inputs.append(raw_resources)

    merged = dg.Definitions.merge(scanning.definitions(), dg.Definitions(assets=[of_another_team]))
    result = merged.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=scanning.instance, asset_selection=[dg.AssetKey("of_another_team")]
    )
    assert result.success
    assert {key: len(value.resources) for key, value in inputs[0].items()} == dict.fromkeys(
        scanning.partitions(), 60
    )


@pytest.mark.parametrize("on_failure", ["drop", "keep_last"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_downstream_data_frame_has_the_documented_columns_and_a_row_for_each_counted_resource(
    scanning: Pipeline, fake: FakeAws, on_failure: str, fails: bool
) -> None:
    scanning.configure(ids_of(fake), on_failure=on_failure, excluded_resource_types=["s3"])
    scanning.scan()
    if fails:
        fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=ONE)
        scanning.scan()
    frame, counts = frame_of(scanning), scanning.current().status.counts
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == SCHEMA
    assert len(frame) == counts.counted
    assert frame["compliant"].sum() == counts.compliant
    assert (ONE in set(frame["account_id"])) is not (fails and on_failure == "drop")


def test_the_rows_of_an_account_whose_run_was_lost_are_left_out_as_in_the_snapshot(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    scanning.configure(ids_of(fake), max_accounts_per_run=1)
    for request in scanning.requests()[1:]:
        scanning.run(request)
    tags = dict(request.tags) | {SCAN_TAG: scan_id(utc_now() + timedelta(minutes=1))}
    result = scanning.run(dg.RunRequest(job_name=PUBLISH_JOB, tags=tags))
    assert not result.success, "every account was last read before this scan"
    assert len(frame_of(scanning)) == 0


@pytest.mark.parametrize(
    ("file", "what"), [("scan_config", "configuration"), ("scan_times", "times of the scan")]
)
def test_a_damaged_file_fails_the_asset_that_needs_it_with_a_clear_message(
    scanning: Pipeline, file: str, what: str
) -> None:
    scanning.scan()
    scanning.storage.write(f"tables/{file}.json", b"{}")
    result = scanning.run(
        dg.RunRequest(job_name=PUBLISH_JOB, asset_selection=[dg.AssetKey("metric_snapshot")])
    )
    assert failure_of(result).startswith(f"the stored {what} cannot be read: ")


def test_the_snapshot_can_be_published_again_from_the_tables(scanning: Pipeline) -> None:
    scanning.scan()
    before = scanning.current()
    result = scanning.run(
        dg.RunRequest(job_name=PUBLISH_JOB, asset_selection=[dg.AssetKey("metric_snapshot")])
    )
    assert result.success
    assert scanning.current().snapshot_id != before.snapshot_id
    assert scanning.current().status.counts == before.status.counts


def test_damaged_tables_of_one_account_do_not_stop_a_scan(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    for table in ("raw_resources", "findings"):
        scanning.storage.write(f"tables/{table}/{ONE}.parquet", b"damaged")
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=ONE)
    assert scanning.scan().success
    assert scanning.current().status.outcome is Outcome.PARTIAL


@pytest.mark.parametrize("on_failure", ["drop", "keep_last"])
def test_a_failed_account_has_its_last_good_numbers_only_with_keep_last(
    scanning: Pipeline, fake: FakeAws, on_failure: str
) -> None:
    scanning.configure(ids_of(fake), on_failure=on_failure)
    scanning.scan()
    before = scanning.samples()
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=ONE)
    scanning.scan()
    kept = of_account(before, ONE) if on_failure == "keep_last" else {}
    assert of_account(scanning.samples(), ONE) == kept
    failed = {a.account_id for a in scanning.current().status.accounts if not a.succeeded}
    assert failed == {ONE}
