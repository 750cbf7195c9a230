"""What is kept between runs: an object each, never worse than it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from tag_compliance.domain.scan import Reason
from tag_compliance.pipeline.codecs import decode_account
from tag_compliance.pipeline.io import keep_account, load_accounts

from tag_compliance.snapshot.status import Outcome
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.accounts import scanned_account
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.pipelines import Pipeline, failure_of, of_account

ONE = "100000000000"
FILE = f"tables/raw_resources/{ONE}.parquet"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

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
"""What other teams' assets build on. Columns may be added here, never renamed or retyped."""


def test_each_account_the_configuration_and_the_results_are_an_object_each(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    assert scanning.storage.names("tables/") == [
        "tables/compliance_results.parquet",
        *(f"tables/raw_resources/{account_id}.parquet" for account_id in ids_of(fake)),
        "tables/scan_config.json",
    ]


def test_an_account_that_fails_keeps_the_rows_of_its_last_good_scan(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    keep_account(storage, scanned_account(ONE, "eu-west-1", at=NOON))
    later = NOON + timedelta(minutes=5)
    keep_account(storage, scanned_account(ONE, "eu-west-1", reason=Reason.THROTTLED, at=later))
    kept = load_accounts(storage, [ONE])[ONE]
    assert len(kept.table) == 2
    assert kept.scan.reason is Reason.THROTTLED
    assert kept.scan.last_success_at == NOON


def test_an_older_scan_never_overwrites_a_newer(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    keep_account(storage, scanned_account(ONE, "eu-west-1", good=5, at=NOON))
    before = storage.read(FILE)
    keep_account(storage, scanned_account(ONE, "eu-west-1", at=NOON - timedelta(seconds=1)))
    assert storage.read(FILE) == before


def test_accounts_that_were_never_scanned_are_left_out(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    keep_account(storage, scanned_account(ONE, "eu-west-1"))
    assert list(load_accounts(storage, ["100000000009", ONE])) == [ONE]


@pytest.mark.parametrize("damage", [b"", b"PAR1 and then something else", None])
def test_a_damaged_account_counts_as_never_scanned_and_is_told(
    tmp_path: Path, damage: bytes | None
) -> None:
    storage = FolderStorage(tmp_path)
    keep_account(storage, scanned_account(ONE, "eu-west-1"))
    whole = storage.read(FILE)
    assert whole is not None
    storage.write(FILE, whole.data[: len(whole.data) // 2] if damage is None else damage)
    told: list[str] = []
    assert load_accounts(storage, [ONE], told.append) == {}
    assert len(told) == 1
    assert told[0].startswith(f"{ONE}: the stored scan of an account cannot be read: ")


@pytest.mark.parametrize("reason", [Reason.OK, Reason.TIMEOUT])
def test_a_damaged_account_is_replaced_by_its_next_scan(tmp_path: Path, reason: Reason) -> None:
    storage = FolderStorage(tmp_path)
    storage.write(FILE, b"damaged")
    told: list[str] = []
    keep_account(storage, scanned_account(ONE, "eu-west-1", reason=reason), told.append)
    stored = storage.read(FILE)
    assert stored is not None
    assert decode_account(stored.data).scan.reason is reason
    assert len(told) == 1


def test_damaged_results_fail_the_asset_that_needs_them_in_words(scanning: Pipeline) -> None:
    scanning.scan()
    scanning.storage.write("tables/compliance_results.parquet", b"damaged")
    result = scanning.run(dg.RunRequest(asset_selection=[dg.AssetKey("metric_snapshot")]))
    assert failure_of(result).startswith("the stored results cannot be read: ")


def test_a_damaged_configuration_fails_the_asset_that_needs_it_in_words(
    scanning: Pipeline,
) -> None:
    scanning.scan()
    scanning.storage.write("tables/scan_config.json", b"{}")
    result = scanning.run(dg.RunRequest(asset_selection=[dg.AssetKey("metric_snapshot")]))
    assert failure_of(result).startswith("the stored configuration cannot be read: ")


def test_a_whole_scan_goes_through_beside_a_damaged_account(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    scanning.storage.write(FILE, b"damaged")
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=ONE)
    assert scanning.scan().success
    assert scanning.current().status.outcome is Outcome.PARTIAL


def test_a_downstream_asset_gets_the_documented_rows_as_a_data_frame(scanning: Pipeline) -> None:
    frames: list[pd.DataFrame] = []

    @dg.asset
    def of_another_team(compliance_results: pd.DataFrame) -> None:
        frames.append(compliance_results)

    scanning.scan()
    merged = dg.Definitions.merge(scanning.definitions(), dg.Definitions(assets=[of_another_team]))
    job = merged.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=scanning.instance, asset_selection=[dg.AssetKey("of_another_team")]
    )
    assert result.success
    (frame,) = frames
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == SCHEMA
    assert len(frame) == scanning.current().status.resources
    assert frame["compliant"].sum() == scanning.current().status.compliant


def test_keep_last_publishes_the_last_good_numbers_of_an_account_that_fails(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.configure(ids_of(fake), on_failure="keep_last")
    scanning.scan()
    before = scanning.samples()
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=ONE)
    scanning.scan()
    assert scanning.samples() == before
    failed = {a.account_id for a in scanning.current().status.accounts if not a.succeeded}
    assert failed == {ONE}


def test_keep_last_ends_when_the_numbers_are_too_old(scanning: Pipeline, fake: FakeAws) -> None:
    scanning.configure(ids_of(fake), on_failure="keep_last", keep_last_for=60)
    scanning.scan()
    stored = scanning.storage.read(FILE)
    assert stored is not None
    scanning.storage.delete(FILE)
    old = datetime.now(UTC) - timedelta(seconds=90)
    keep_account(scanning.storage, scanned_account(ONE, "us-east-1", "eu-west-1", at=old))
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=ONE)
    scanning.scan()
    assert not of_account(scanning.samples(), ONE)


def test_drop_leaves_the_numbers_of_an_account_that_fails_out(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=ONE)
    scanning.scan()
    assert not of_account(scanning.samples(), ONE)
