"""Discovery in the pipeline: when the list of accounts is read, and what is then published."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from pydantic import TypeAdapter

from tag_compliance.aws.targets import targets_of
from tag_compliance.domain.organization import DiscoveredOrganization
from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.pipeline.io_manager import load_config_table
from tag_compliance.pipeline.run_tags import (
    DISCOVERY_TAG,
    SCAN_JOB,
    TRIGGER_TAG,
)
from tag_compliance.tables.organization import Organizations
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.pipeline.pipelines import Pipeline, failure_of, families_with, metadata_of
from tag_compliance_tests.pipeline.recorded_runs import make_older
from tag_compliance_tests.pipeline.ticks import look, publish, tick
from tag_compliance_tests.support.discovery import (
    SANDBOX,
    SHOP,
    STAGE,
    discovering,
    small_organization,
)
from tag_compliance_tests.support.exposition import Exposition

Status = dg.DagsterRunStatus
_LATER = timedelta(seconds=520)


@pytest.fixture
def organization() -> Organization:
    return small_organization()


@pytest.fixture
def discovered(idle: Pipeline, fake: FakeAws) -> Pipeline:
    """Configured without rows; AWS has not been called yet."""
    write(idle)
    return idle


def write(pipeline: Pipeline, keys: dict[str, Any] | None = None, **settings: Any) -> None:
    content = discovering(keys, storage=str(pipeline.folder / "state"), **settings)
    pipeline.config_path.write_text(yaml.safe_dump(content), encoding="utf-8")


def stored(pipeline: Pipeline) -> DiscoveredOrganization:
    found = Organizations(pipeline.storage, pytest.fail).load()
    assert found is not None
    return found


def forget_discovery(pipeline: Pipeline) -> None:
    """All runs so far were requested before the interval."""
    for record in pipeline.instance.get_run_records():
        make_older(pipeline.instance, record.dagster_run.run_id, _LATER)


def scan(pipeline: Pipeline) -> None:
    """What the sensor does until everything is published; a discovery first if it is due."""
    request = look(pipeline).request
    if DISCOVERY_TAG in request.tags:
        pipeline.run(request)
        request = look(pipeline).request
    pipeline.run(request)
    assert pipeline.run(publish(pipeline).request).success


def accounts(pipeline: Pipeline) -> list[str]:
    return [str(account.account_id) for account in pipeline.current().status.accounts]


def sample(pipeline: Pipeline, name: str, **labels: str) -> float:
    return Exposition(pipeline.current().plain.decode()).value(name, **labels)


def test_the_list_is_read_in_a_run_before_the_first_scan_and_no_tick_calls_aws(
    discovered: Pipeline, fake: FakeAws
) -> None:
    request = look(discovered).request

    assert len(fake.calls) == 0
    assert request.asset_selection == [dg.AssetKey("scan_config")]
    assert (request.job_name, request.tags[TRIGGER_TAG]) == (SCAN_JOB, "catch-up")
    assert discovered.partitions() == []

    assert discovered.run(request).success
    calls = len(fake.calls)
    request = look(discovered).request
    assert len(fake.calls) == calls
    assert discovered.partitions() == [SHOP, STAGE, SANDBOX]
    assert request.asset_selection is None
    assert metadata_of(discovered.instance, "scan_config")["organization"] == "read"


def test_what_was_discovered_is_read_and_published(discovered: Pipeline) -> None:
    write(discovered, {"account_owner_tag": "Owner"})
    scan(discovered)

    assert accounts(discovered) == [SHOP, STAGE, SANDBOX]
    assert discovered.last_outcome() is Outcome.COMPLETE
    first, *_ = discovered.current().status.accounts
    assert (first.account_name, first.ou_path, first.owner) == (
        "shop",
        "Workloads/Prod",
        "shop@example.com",
    )
    assert b"# HELP tag_compliance_discovery_success" in discovered.current().plain


def test_while_the_list_is_fresh_a_scan_starts_without_a_discovery(discovered: Pipeline) -> None:
    scan(discovered)
    forget_discovery(discovered)

    assert DISCOVERY_TAG not in tick(discovered).request.tags


def test_a_scheduled_tick_whose_list_is_old_leads_to_a_discovery_and_then_to_the_scan(
    discovered: Pipeline, fake: FakeAws
) -> None:
    write(discovered, {"refresh": 0})
    scan(discovered)
    forget_discovery(discovered)
    request = tick(discovered).request
    assert DISCOVERY_TAG in request.tags
    run_id = discovered.note(Status.STARTED, dict(request.tags), job=SCAN_JOB)
    assert tick(discovered).reason == f"a scan is still running: run {run_id}"
    discovered.instance.delete_run(run_id)

    assert discovered.run(request).success
    # The scan starts within seconds, although less than the interval has passed since the tick.
    scan_request = look(discovered).request
    assert DISCOVERY_TAG not in scan_request.tags
    assert fake.calls.count("ListAccounts") == 2


def test_accounts_follow_the_list(discovered: Pipeline, organization: Organization) -> None:
    write(discovered, {"refresh": 0})
    scan(discovered)
    organization.remove_account(SANDBOX)
    new = organization.add_account("555555555555")
    new.put("us-east-1", "arn:aws:sqs:us-east-1:555555555555:queue", {"Owner": "a"})
    forget_discovery(discovered)
    scan(discovered)

    assert accounts(discovered) == [SHOP, STAGE, "555555555555"]
    assert discovered.partitions() == [SHOP, STAGE, "555555555555"]
    assert families_with(discovered.current().plain, SANDBOX) == {
        "tag_compliance_findings_opened_total",
        "tag_compliance_findings_closed_total",
    }
    assert discovered.last_outcome() is Outcome.COMPLETE


def test_a_moved_account_has_its_new_path_without_being_evaluated_again(
    discovered: Pipeline, organization: Organization
) -> None:
    write(discovered, {"refresh": 0})
    scan(discovered)
    [sandbox] = [u.unit_id for u in organization.units.values() if u.name == "Sandbox"]
    organization[SHOP].parent_id = sandbox
    forget_discovery(discovered)
    scan(discovered)

    first, *_ = discovered.current().status.accounts
    assert (first.account_id, first.ou_path) == (SHOP, "Sandbox")


@pytest.mark.parametrize(
    ("fault", "operation", "reason"),
    [
        (Fault.ACCESS_DENIED, "AssumeRole", Reason.ASSUME_ROLE_DENIED),
        (Fault.ACCESS_DENIED, "ListAccounts", Reason.ACCESS_DENIED),
        (Fault.EMPTY_LIST, "ListAccounts", Reason.LIST_REJECTED),
        (Fault.REPEAT_TOKEN, "ListAccounts", Reason.MALFORMED_RESPONSE),
        (Fault.THROTTLED, "ListAccounts", Reason.THROTTLED),
        (Fault.EXPIRED_TOKEN, "ListAccounts", Reason.EXPIRED_TOKEN),
    ],
)
def test_while_the_organization_cannot_be_read_the_last_list_is_scanned_and_the_metrics_say_so(
    discovered: Pipeline, fake: FakeAws, fault: Fault, operation: str, reason: Reason
) -> None:
    write(discovered, {"refresh": 0}, region_deadline=3)
    scan(discovered)
    before, listed_at = discovered.samples(), stored(discovered).listed_at
    fake.faults.add(fault, operation=operation, account_id="999999999999")
    forget_discovery(discovered)
    scan(discovered)

    assert discovered.samples() == before
    assert discovered.last_outcome() is Outcome.COMPLETE
    assert sample(discovered, "tag_compliance_discovery_success", reason=reason) == 0
    assert listed_at is not None
    name = "tag_compliance_discovery_list_timestamp_seconds"
    assert sample(discovered, name) == listed_at.timestamp()
    assert discovered.current().status.discovery_failure.startswith(f"AWS Organizations: {reason}")


def test_a_role_that_is_denied_for_an_hour_changes_no_number_and_is_read_again_afterwards(
    discovered: Pipeline, fake: FakeAws, organization: Organization
) -> None:
    write(discovered, {"refresh": 600})
    scan(discovered)
    before, listed_at = discovered.samples(), stored(discovered).listed_at
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id="999999999999")
    organization.add_account("555555555555")
    for _ in range(6):  # every ten minutes
        make_list_older(discovered, timedelta(minutes=10))
        forget_discovery(discovered)
        scan(discovered)
        assert discovered.samples() == before
        assert discovered.last_outcome() is Outcome.COMPLETE
        failed = sample(discovered, "tag_compliance_discovery_success", reason="assume_role_denied")
        assert failed == 0
    assert listed_at is not None
    name = "tag_compliance_discovery_list_timestamp_seconds"
    assert sample(discovered, name) == (listed_at - timedelta(hours=1)).timestamp()

    fake.faults.clear()
    make_list_older(discovered, timedelta(minutes=10))
    forget_discovery(discovered)
    scan(discovered)
    assert sample(discovered, "tag_compliance_discovery_success", reason="ok") == 1
    assert accounts(discovered) == [SHOP, STAGE, SANDBOX, "555555555555"]


def make_list_older(pipeline: Pipeline, age: timedelta) -> None:
    """The list and the latest attempt to read it are older by this."""
    found = stored(pipeline)
    assert found.listed_at is not None
    attempt = replace(found.attempt, at=found.attempt.at - age)
    older = replace(found, attempt=attempt, listed_at=found.listed_at - age)
    data = TypeAdapter(DiscoveredOrganization).dump_json(older)
    pipeline.storage.write("tables/organization.json", data)


def test_a_list_that_lost_half_of_its_accounts_is_not_used(
    discovered: Pipeline, organization: Organization
) -> None:
    write(discovered, {"refresh": 0, "largest_drop": 40})
    scan(discovered)
    before = discovered.samples()
    organization.remove_account(SHOP)
    organization.remove_account(STAGE)
    forget_discovery(discovered)
    scan(discovered)

    # The accounts still exist for the fake STS only if they are in the organization.
    assert accounts(discovered) == [SHOP, STAGE, SANDBOX]
    assert {key: v for key, v in discovered.samples().items() if SANDBOX in str(key)} == {
        key: v for key, v in before.items() if SANDBOX in str(key)
    }
    assert discovered.failed_accounts() == [SHOP, STAGE]
    assert sample(discovered, "tag_compliance_discovery_success", reason="list_rejected") == 0
    kept = {"state": "active", "scanned": "true"}
    assert sample(discovered, "tag_compliance_discovered_accounts", **kept) == 3


@pytest.mark.parametrize(("lost", "reason", "kept"), [(2, "ok", 2), (3, "list_rejected", 4)])
def test_half_of_the_accounts_may_be_lost_by_default_and_one_more_may_not(
    discovered: Pipeline, organization: Organization, lost: int, reason: str, kept: int
) -> None:
    write(discovered, {"refresh": 0})
    organization.add_account("555555555555")
    scan(discovered)
    listed = accounts(discovered)
    assert len(listed) == 4
    for account_id in listed[:lost]:
        organization.remove_account(account_id)
    forget_discovery(discovered)
    scan(discovered)

    assert accounts(discovered) == listed[4 - kept :]
    name = "tag_compliance_discovery_success"
    assert sample(discovered, name, reason=reason) == float(reason == "ok")
    active = {"state": "active", "scanned": "true"}
    assert sample(discovered, "tag_compliance_discovered_accounts", **active) == kept


def test_a_discovery_that_works_while_every_member_fails_is_an_outage_of_the_accounts(
    discovered: Pipeline, fake: FakeAws
) -> None:
    write(discovered, {"refresh": 0})
    scan(discovered)
    before = discovered.samples()
    for account_id in (SHOP, STAGE, SANDBOX):
        fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=account_id)
    forget_discovery(discovered)
    scan(discovered)

    assert discovered.last_outcome() is Outcome.NOTHING
    assert discovered.samples() == before
    assert sample(discovered, "tag_compliance_discovery_success", reason="ok") == 1
    assert discovered.failed_accounts() == [SHOP, STAGE, SANDBOX]


def test_without_any_list_and_rows_the_run_fails_and_is_repeated_after_the_interval(
    discovered: Pipeline, fake: FakeAws
) -> None:
    rule = fake.faults.add(Fault.ACCESS_DENIED, operation="ListAccounts")
    result = discovered.run(look(discovered).request)
    assert failure_of(result).startswith(
        "the accounts of AWS Organizations are not known: access_denied: ListAccounts: "
    )
    assert look(discovered).reason.startswith("no account is known")
    assert tick(discovered).reason.startswith("no account is known")

    forget_discovery(discovered)
    again = look(discovered).request
    assert DISCOVERY_TAG in again.tags
    assert fake.faults.injections(rule) == 1
    fake.faults.clear()
    assert discovered.run(again).success
    assert DISCOVERY_TAG not in look(discovered).request.tags


def test_without_any_list_the_rows_are_scanned(discovered: Pipeline, fake: FakeAws) -> None:
    write(discovered, aws_account_matrix=[{"account_id": SHOP}])
    fake.faults.add(Fault.NO_ORGANIZATION, operation="ListAccounts")
    scan(discovered)

    assert accounts(discovered) == [SHOP]
    assert sample(discovered, "tag_compliance_discovery_success", reason="no_organization") == 0


def test_a_damaged_list_removes_no_partition_and_is_read_again(
    discovered: Pipeline, fake: FakeAws
) -> None:
    scan(discovered)
    discovered.storage.write("tables/organization.json", b"{")
    assert look(discovered).reason.startswith("the latest scan started at")
    assert discovered.partitions() == [SHOP, STAGE, SANDBOX]

    forget_discovery(discovered)
    request = look(discovered).request
    assert DISCOVERY_TAG in request.tags
    assert discovered.run(request).success
    assert len(stored(discovered).accounts) == 5


def test_the_runs_of_one_scan_use_the_same_list_even_if_it_is_read_again_meanwhile(
    discovered: Pipeline, organization: Organization
) -> None:
    write(discovered, max_accounts_per_run=2)
    discovered.run(look(discovered).request)
    first, second = look(discovered).requests
    assert discovered.run(first).success
    organization.add_account("555555555555")
    discovered.materialize("scan_config")
    assert discovered.run(second).success

    scanned = targets_of(load_config_table(discovered.storage))
    assert [target.account_id for target in scanned] == [SHOP, STAGE, SANDBOX]
    assert discovered.run(publish(discovered).request).success
    forget_discovery(discovered)
    assert len(look(discovered).requests) == 2
    assert discovered.partitions() == [SHOP, STAGE, SANDBOX, "555555555555"]


def test_a_person_who_materializes_scan_config_reads_the_list(
    discovered: Pipeline, fake: FakeAws, organization: Organization
) -> None:
    scan(discovered)
    organization.add_account("555555555555")
    calls = fake.calls.count("ListAccounts")
    discovered.materialize("scan_config")
    assert fake.calls.count("ListAccounts") == calls + 1
    # The new account is visible within seconds.
    look(discovered)
    assert discovered.partitions() == [SHOP, STAGE, SANDBOX, "555555555555"]


def test_discoveries_do_not_hide_that_scans_fail_for_the_same_cause(
    discovered: Pipeline, tmp_path: Path
) -> None:
    from tag_compliance.pipeline.run_queries import previous_run

    first = discovered.note(Status.FAILURE, {TRIGGER_TAG: "schedule"})
    discovered.note(Status.SUCCESS, {TRIGGER_TAG: "schedule", DISCOVERY_TAG: "true"})
    latest = discovered.instance.get_run_by_id(
        discovered.note(Status.FAILURE, {TRIGGER_TAG: "schedule"})
    )
    assert latest is not None
    before = previous_run(discovered.instance, latest)
    assert before is not None
    assert before.run_id == first
