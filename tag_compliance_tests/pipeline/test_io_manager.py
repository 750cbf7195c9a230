"""The values between the assets: what is stored, what is read, and what downstream assets get."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import Outcome
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.run_tags import PUBLISH_JOB, SCAN_TAG, scan_id
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.pipelines import Pipeline, failure_of, of_account
from tag_compliance_tests.pipeline.tables import evaluation_file, inventory_file
from tag_compliance_tests.pipeline.ticks import publish
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage

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
    "source": "category",
    "ou_path": "category",
}
"""Assets of other teams depend on this. Columns may be added, never renamed or retyped."""

SNAPSHOT_AGAIN = dg.RunRequest(
    job_name=PUBLISH_JOB, asset_selection=[dg.AssetKey("metric_snapshot")]
)


def inputs_of_another_team(pipeline: Pipeline) -> tuple[pd.DataFrame, dict[str, AccountInventory]]:
    """What an asset of another team gets, in a run of its own."""
    inputs: list[Any] = []

    @dg.asset
    def of_another_team(
        compliance_results: pd.DataFrame, raw_resources: dict[str, AccountInventory]
    ) -> None:
        inputs.extend((compliance_results, raw_resources))

    merged = dg.Definitions.merge(pipeline.definitions(), dg.Definitions(assets=[of_another_team]))
    pipeline.materialize("of_another_team", definitions=merged)
    frame, inventories = inputs
    return frame, inventories


def test_a_scan_writes_each_table_once_and_its_history_and_database_read_each_at_most_once(
    scanning: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations: Counter[tuple[str, str]] = Counter()
    storage = ConfigurationResource.storage

    def counted(self: ConfigurationResource) -> InterceptedStorage:
        return InterceptedStorage(storage(self), lambda *call: operations.update([call]))

    monkeypatch.setattr(ConfigurationResource, "storage", counted)

    def on_tables() -> dict[tuple[str, str], int]:
        return {call: n for call, n in operations.items() if call[1].startswith("tables/")}

    scanning.run(scanning.requests()[0])
    files = [file(a) for file in (inventory_file, evaluation_file) for a in scanning.ids]
    updated = [*files, "tables/reading_runs"]
    written = {("write", "tables/scan_config.json"): 1, **{("update", name): 1 for name in updated}}
    pending = [f"tables/failed_readings/{account_id}.parquet" for account_id in scanning.ids]
    written |= {("delete", name): 1 for name in pending}
    assert {call: n for call, n in on_tables().items() if call[0] != "read"} == written
    request = publish(scanning).request
    operations.clear()
    assert scanning.run(request).success
    histories = [f"tables/history/{account_id}.zip" for account_id in scanning.ids]
    day = f"tables/history_daily/{utc_now():%Y-%m-%d}.parquet"
    read = {("read", evaluation_file(account_id)): 1 for account_id in scanning.ids}
    read |= {("read", inventory_file(account_id)): 2 for account_id in scanning.ids}
    read |= {("read", name): 2 for name in histories}
    read |= {("update", name): 1 for name in (*histories, day, "tables/coverage.parquet")}
    read |= {("read", day): 1}
    on_parquet = {call: n for call, n in on_tables().items() if not call[1].endswith(".json")}
    assert on_parquet == read
    json_files = ["tables/scan_config.json", "tables/scan_times.json"]
    assert scanning.storage.names("tables/") == sorted(
        [*updated, *json_files, *histories, day, "tables/coverage.parquet"]
    )


@pytest.mark.parametrize("on_failure", ["drop", "keep_last"])
@pytest.mark.parametrize("fails", [False, True])
def test_snapshot_and_downstream_assets_have_the_same_rows_and_a_failed_account_only_if_kept(
    scanning: Pipeline, fake: FakeAws, on_failure: str, fails: bool
) -> None:
    scanning.configure(on_failure=on_failure, excluded_resource_types=["s3"])
    scanning.scan()
    one, before = scanning.ids[0], scanning.samples()
    if fails:
        fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=one)
        scanning.scan()
    is_kept = not fails or on_failure == "keep_last"
    assert scanning.failed_accounts() == ([one] if fails else [])
    assert of_account(scanning.samples(), one) == (of_account(before, one) if is_kept else {})
    counts = scanning.current().status.counts
    frame, inventories = inputs_of_another_team(scanning)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == SCHEMA
    assert (len(frame), frame["compliant"].sum()) == (counts.counted, counts.compliant)
    assert (one in set(frame["account_id"])) is is_kept
    lengths = {account_id: len(found.resources) for account_id, found in inventories.items()}
    assert lengths == dict.fromkeys(scanning.ids, 60)


def test_the_rows_of_a_scan_whose_run_was_lost_are_those_of_the_snapshot(
    scanning: Pipeline,
) -> None:
    scanning.scan()
    tags = {SCAN_TAG: scan_id(utc_now() + timedelta(minutes=1))}
    result = scanning.run(dg.RunRequest(job_name=PUBLISH_JOB, tags=tags))
    assert result.success
    current = scanning.current().status
    assert current.outcome is Outcome.NOTHING, "every account was last read before this scan"
    frame, _ = inputs_of_another_team(scanning)
    assert len(frame) == current.counts.counted == 180


def test_a_damaged_configuration_fails_the_asset_that_needs_it_with_a_clear_message(
    scanning: Pipeline,
) -> None:
    scanning.scan()
    scanning.storage.write("tables/scan_config.json", b"{}")
    failure = failure_of(scanning.run(SNAPSHOT_AGAIN))
    assert failure.startswith("the stored configuration cannot be read: ")


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"{}",
        b'{"started_at": "2026-05-04T12:00:00", "read_since": null, "all_accounts": true}',
        b'{"started_at": "2026-05-04T12:00:00Z", "read_since": "2026-05-04T12:00:00"}',
    ],
)
def test_damaged_times_of_the_last_scan_are_reported_and_replaced(
    scanning: Pipeline, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A time without a zone cannot be compared with the others."""
    scanning.scan()
    scanning.storage.write("tables/scan_times.json", data)
    assert scanning.run(SNAPSHOT_AGAIN).success
    assert "tables/scan_times.json is damaged; " in caplog.text
    assert scanning.scan().success
    assert scanning.current().status.outcome is Outcome.COMPLETE
    caplog.clear()
    assert scanning.scan().success
    assert "damaged" not in caplog.text


def test_the_snapshot_can_be_published_again_from_the_tables(scanning: Pipeline) -> None:
    scanning.scan()
    before = scanning.current()
    assert scanning.run(SNAPSHOT_AGAIN).success
    assert scanning.current().snapshot_id != before.snapshot_id
    assert scanning.current().status.counts == before.status.counts


def test_damaged_tables_of_one_account_do_not_stop_a_scan(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    one = scanning.ids[0]
    for file in (inventory_file(one), evaluation_file(one)):
        scanning.storage.write(file, b"damaged")
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=one)
    assert scanning.scan().success
    assert scanning.current().status.outcome is Outcome.PARTIAL
