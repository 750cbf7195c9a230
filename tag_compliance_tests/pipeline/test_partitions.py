"""Partitions follow the accounts of the configuration, and a single one can be read again."""

from __future__ import annotations

import os
from collections.abc import Iterator

import dagster as dg
import pytest

from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.pipeline.resources import ProgressResource
from tag_compliance.pipeline.run_once import FinishedScan, run_once
from tag_compliance.pipeline.run_tags import ACCOUNT_TAG, PUBLISHES_TAG
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.pipelines import REGIONS, Pipeline, of_account
from tag_compliance_tests.pipeline.ticks import publish
from tag_compliance_tests.support.aws import Enter

SHOP, BANK, LAB = "111111111111", "222222222222", "033333333333"


@pytest.fixture
def fake(enter: Enter) -> Iterator[FakeAws]:
    """Three accounts with a queue without tags each, to which a test may add."""
    organization = Organization()
    for account_id in (SHOP, BANK, LAB):
        account = organization.add_account(account_id)
        account.put("eu-west-1", f"arn:aws:sqs:eu-west-1:{account_id}:first")
    with FakeAws(organization) as fake:
        enter(fake)
        yield fake


def scan_alone(pipeline: Pipeline, account_id: str) -> FinishedScan:
    return run_once(
        pipeline.config(), pipeline.config_path, os.environ, ProgressResource(), account_id
    )


def test_an_account_added_to_the_configuration_is_scanned_without_a_reload(
    pipeline: Pipeline, fake: FakeAws
) -> None:
    pipeline.configure([SHOP, BANK])
    pipeline.scan()
    assert pipeline.partitions() == [SHOP, BANK]
    pipeline.configure([SHOP, BANK, LAB])
    assert pipeline.scan().success
    assert pipeline.partitions() == [SHOP, BANK, LAB]
    assert of_account(pipeline.samples(), LAB)


def test_an_account_removed_from_the_configuration_leaves_partitions_and_metrics(
    pipeline: Pipeline, fake: FakeAws
) -> None:
    pipeline.configure(ids_of(fake))
    pipeline.scan()
    calls = fake.calls.count(account_id=BANK)
    pipeline.configure([SHOP, LAB])
    assert pipeline.scan().success
    assert pipeline.partitions() == [SHOP, LAB]
    assert fake.calls.count(account_id=BANK) == calls
    assert BANK.encode() not in pipeline.current().plain


def test_a_scan_of_one_account_calls_aws_only_for_it_and_keeps_the_data_of_the_others(
    pipeline: Pipeline, fake: FakeAws
) -> None:
    pipeline.configure(ids_of(fake))
    pipeline.scan()
    before, calls = pipeline.samples(), list(fake.calls)
    for account in fake.organization:
        account.put("us-east-1", f"arn:aws:sqs:us-east-1:{account.account_id}:second")
    ended = scan_alone(pipeline, BANK)
    assert ended.snapshot is not None
    assert ended.snapshot.status.outcome is Outcome.COMPLETE, "the others are older, not failed"
    made = list(fake.calls)[len(calls) :]
    assert {call.account_id for call in made} == {BANK}
    assert len(made) == 1 + len(REGIONS)
    after = pipeline.samples()
    for untouched in (SHOP, LAB):
        assert of_account(after, untouched) == of_account(before, untouched)
    labels = {"account_id": BANK, "account_name": "name-222", "region": "us-east-1"}
    name = frozenset(labels.items())
    assert (before["resources_scanned_total", name], after["resources_scanned_total", name]) == (
        0,
        1,
    )


def test_a_scan_of_one_account_repairs_its_failure(pipeline: Pipeline, fake: FakeAws) -> None:
    pipeline.configure(ids_of(fake))
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=LAB)
    pipeline.scan()
    assert pipeline.current().status.outcome is Outcome.PARTIAL
    fake.faults.clear()
    scan_alone(pipeline, LAB)
    assert pipeline.current().status.outcome is Outcome.COMPLETE


def test_a_scan_of_one_account_before_any_other_scan_reports_the_others_as_not_scanned(
    pipeline: Pipeline, fake: FakeAws
) -> None:
    pipeline.configure(ids_of(fake))
    ended = scan_alone(pipeline, SHOP)
    assert ended.snapshot is not None
    reasons = {
        account.account_id: {region.reason for region in account.regions}
        for account in ended.snapshot.status.accounts
    }
    assert reasons == {SHOP: {Reason.OK}, BANK: {Reason.NOT_SCANNED}, LAB: {Reason.NOT_SCANNED}}


def test_a_scan_of_one_account_is_recorded_as_such(
    pipeline: Pipeline,
    fake: FakeAws,
    kept_instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", kept_instance.root_directory)
    pipeline.configure(ids_of(fake))
    ended = scan_alone(pipeline, BANK)
    run = kept_instance.get_run_by_id(ended.run_id)
    assert run is not None
    assert run.tags[ACCOUNT_TAG] == BANK
    records = kept_instance.get_latest_storage_id_by_partition(
        dg.AssetKey("raw_resources"),
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        {SHOP, BANK, LAB},
    )
    assert set(records) == {BANK}


def read_from_the_ui(pipeline: Pipeline, account_id: str) -> dg.ExecuteInProcessResult:
    """As Dagster's UI does when a person materializes one partition of `raw_resources`."""
    by_hand = pipeline.definitions().resolve_implicit_global_asset_job_def()
    return by_hand.execute_in_process(
        instance=pipeline.instance,
        partition_key=account_id,
        asset_selection=[dg.AssetKey("raw_resources")],
    )


def test_one_account_read_from_the_ui_is_published_and_the_others_stay_as_they_are(
    pipeline: Pipeline, fake: FakeAws
) -> None:
    pipeline.configure(ids_of(fake))
    pipeline.scan()
    assert not publish(pipeline).requests
    before, calls = pipeline.samples(), len(list(fake.calls))
    for account in fake.organization:
        account.put("us-east-1", f"arn:aws:sqs:us-east-1:{account.account_id}:second")
    ended = read_from_the_ui(pipeline, BANK)
    assert {call.account_id for call in list(fake.calls)[calls:]} == {BANK}
    assert pipeline.samples() == before

    request = publish(pipeline).request
    assert request.tags[PUBLISHES_TAG] == ended.run_id
    assert pipeline.run(request).success
    after = pipeline.samples()
    assert of_account(after, BANK) != of_account(before, BANK)
    for untouched in (SHOP, LAB):
        assert of_account(after, untouched) == of_account(before, untouched)
    assert not publish(pipeline).requests, "once is enough"
