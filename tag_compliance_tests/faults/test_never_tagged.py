"""What is published about never-tagged resources, with and without faults of Resource Explorer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tag_compliance.simulator.explorer_index import SimulatedIndex
from tag_compliance.simulator.organization import Account
from tag_compliance.simulator.wire import Call
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.fake_aws.fault_plan import FaultPlan, FaultRule
from tag_compliance_tests.support.exposition import CONTRACT, Exposition
from tag_compliance_tests.support.program import Finished, Program

SHOP, LAB = "111122223333", "222233334444"
US, EU = "us-east-1", "eu-west-1"
OWN = "tag_compliance_never_tagged_resources"
READ, FAILURE = "tag_compliance_source_read", "tag_compliance_source_failure"


def queue(account_id: str, region: str, name: str) -> str:
    return f"arn:aws:sqs:{region}:{account_id}:{name}"


def company() -> Organization:
    """In each region two tagged queues, one that lost its tags, two that never had any, and a
    task, which is excluded; Resource Explorer finds the three that have no tags and a task.
    """
    organization = Organization()
    for account_id in (SHOP, LAB):
        account = organization.add_account(account_id)
        for region in (US, EU):
            account.put(region, queue(account_id, region, "tagged"), {"Owner": "a"})
            account.put(region, queue(account_id, region, "other"), {"Name": "a"})
            account.put(region, queue(account_id, region, "lost"))
            account.put_never_tagged(region, queue(account_id, region, "never-1"))
            account.put_never_tagged(region, queue(account_id, region, "never-2"))
            task = f"arn:aws:ecs:{region}:{account_id}:task/default/1"
            account.put_never_tagged(region, task)
            account.explorer[region] = SimulatedIndex()
    return organization


def configure(program: Program, organization: Organization, mode: str, **settings: Any) -> None:
    common = {
        "regions": [US, EU],
        "REQUIRED_TAGS": ["Owner"],
        "excluded_resource_types": ["ecs:task"],
        "resource_explorer_refresh": 0,
    }
    program.configure(organization, never_tagged=mode, **common | settings)


def numbers(exposition: Exposition, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for sample in exposition.samples
        if sample.name == name
    }


def by_region(exposition: Exposition, name: str) -> dict[tuple[str, ...], float]:
    return numbers(exposition, name, "account_id", "region")


EVERYWHERE = [(SHOP, US), (SHOP, EU), (LAB, US), (LAB, EU)]


def test_with_report_the_ten_metrics_are_those_without_the_source(program: Program) -> None:
    organization = company()
    configure(program, organization, "off")
    with FakeAws(organization) as fake:
        off = program.scan(fake)
        configure(program, organization, "report")
        report = program.scan()

    assert (off.code, report.code) == (0, 0)
    assert report.exposition.contract_lines == off.exposition.contract_lines
    assert by_region(report.exposition, OWN) == dict.fromkeys(EVERYWHERE, 2)
    excluded = by_region(report.exposition, "tag_compliance_excluded_resources")
    assert excluded == dict.fromkeys(EVERYWHERE, 1)
    assert numbers(off.exposition, READ, "source") == {("tagging",): 1}
    assert numbers(report.exposition, READ, "source") == {
        ("tagging",): 1,
        ("resource_explorer",): 1,
    }
    assert (
        "33.3 % of the resources read are compliant. Never-tagged resources are not included: "
        "8 were found in 4 of 4 account-regions. IAM users and roles and Auto Scaling groups are "
        "not included."
    ) in report.err.splitlines()


def test_a_failure_after_the_source_was_switched_off_loses_only_its_region(
    program: Program,
) -> None:
    organization = company()
    configure(program, organization, "report")
    with FakeAws(organization) as fake:
        program.scan(fake)
        configure(program, organization, "off")
        fake.faults.add(Fault.ACCESS_DENIED, operation="GetResources", account_id=SHOP, region=EU)
        ended = program.scan()

    assert ended.code == 3
    assert by_region(ended.exposition, "resources_scanned_total") == dict.fromkeys(
        [(SHOP, US), (LAB, US), (LAB, EU)], 3
    )


def test_with_count_they_count_in_every_number(program: Program) -> None:
    organization = company()
    configure(program, organization, "count")
    with FakeAws(organization) as fake:
        ended = program.scan(fake)

    assert ended.code == 0
    assert by_region(ended.exposition, "resources_scanned_total") == dict.fromkeys(EVERYWHERE, 5)
    assert by_region(ended.exposition, "compliance_percentage") == dict.fromkeys(EVERYWHERE, 20)
    assert by_region(ended.exposition, "tag_non_compliant_total") == dict.fromkeys(EVERYWHERE, 4)
    assert by_region(ended.exposition, OWN) == dict.fromkeys(EVERYWHERE, 2)
    returned = by_region(ended.exposition, "tag_compliance_region_resources_returned")
    assert returned == dict.fromkeys(EVERYWHERE, 7), "the queue without tags came back twice"
    details = numbers(ended.exposition, "tag_missing_detail", "resource_arn")
    assert (queue(SHOP, EU, "never-1"),) in details
    assert "included for 4 of 4 account-regions." in ended.err


FAULTS: dict[str, tuple[Callable[[FakeAws], object], str]] = {
    "no permission": (
        lambda fake: fake.faults.add(Fault.ACCESS_DENIED, operation="GetIndex", region=EU),
        "access_denied",
    ),
    "a repeated token": (
        lambda fake: fake.faults.add(Fault.REPEAT_TOKEN, operation="ListResources", region=EU),
        "malformed_response",
    ),
    "a response for another account": (
        lambda fake: fake.faults.add(Fault.FOREIGN_ACCOUNT, operation="ListResources", region=EU),
        "malformed_response",
    ),
    "throttling that does not end": (
        lambda fake: fake.faults.add(Fault.THROTTLED, operation="ListResources", region=EU),
        "throttled",
    ),
    "credentials that stay expired": (
        lambda fake: fake.faults.add(Fault.EXPIRED_TOKEN, operation="ListResources", region=EU),
        "expired_token",
    ),
    "an index that disappears between two pages": (
        lambda fake: setattr(fake, "faults", _IndexLost(fake.organization)),
        "no_index",
    ),
    "no index": (lambda fake: _each(fake, lambda a: a.explorer.pop(EU)), "no_index"),
}


def _each(fake: FakeAws, change: Callable[[Account], object]) -> None:
    for account in fake.organization:
        change(account)


class _IndexLost(FaultPlan):
    """The first page of each account in Europe is empty and has a token; then the index is gone."""

    def __init__(self, organization: Organization) -> None:
        super().__init__(FaultRule(Fault.EMPTY_PAGE, "ListResources", region=EU, page=0))
        self._organization = organization

    def rule_for(self, call: Call) -> FaultRule | None:
        if (call.operation, call.region) == (
            "ListResources",
            EU,
        ) and "NextToken" in call.parameters:
            self._organization[call.account_id].explorer.pop(EU, None)
        return super().rule_for(call)


def failed_with(program: Program, mode: str, fault: str, **settings: Any) -> Finished:
    organization = company()
    configure(program, organization, mode, region_deadline=6, **settings)
    with FakeAws(organization) as fake:
        FAULTS[fault][0](fake)
        return program.scan(fake)


@pytest.mark.parametrize("fault", FAULTS)
def test_with_report_a_fault_leaves_the_ten_metrics_unchanged_and_is_reported(
    program: Program, fault: str
) -> None:
    ended = failed_with(program, "report", fault)

    assert ended.code == 0
    assert by_region(ended.exposition, "resources_scanned_total") == dict.fromkeys(EVERYWHERE, 3)
    assert by_region(ended.exposition, OWN) == {(SHOP, US): 2, (LAB, US): 2}
    assert numbers(ended.exposition, FAILURE, "account_id", "region", "source", "reason") == {
        (account, EU, "resource_explorer", FAULTS[fault][1]): 1 for account in (SHOP, LAB)
    }
    assert "4 were found in 2 of 4 account-regions; 2 " in ended.err
    assert ended.exposition.plain("tag_compliance_scan_completeness_ratio") == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_with_count_a_fault_makes_the_region_one_that_was_not_read(
    program: Program, fault: str
) -> None:
    ended = failed_with(program, "count", fault)

    assert ended.code == 3
    published = {s.labels["region"] for s in ended.exposition.samples if s.name in CONTRACT}
    assert published == {US}
    success = "tag_compliance_region_scan_success"
    assert numbers(ended.exposition, success, "region", "reason") == {
        (US, "ok"): 1,
        (EU, FAULTS[fault][1]): 0,
    }
    assert numbers(ended.exposition, READ, "region", "source") == {
        (US, "tagging"): 1,
        (US, "resource_explorer"): 1,
        (EU, "tagging"): 1,
        (EU, "resource_explorer"): 0,
    }


def test_an_arn_that_cannot_be_parsed_is_a_resource_of_unknown_type(program: Program) -> None:
    organization = company()
    configure(program, organization, "count")
    with FakeAws(organization) as fake:
        fake.faults.add(Fault.UNPARSABLE_ARN, operation="ListResources", account_id=SHOP, region=EU)
        ended = program.scan(fake)

    assert ended.code == 0
    found = numbers(ended.exposition, OWN, "account_id", "region", "resource_type")
    assert {key: value for key, value in found.items() if key[2] == "unknown:unknown"} == {
        (SHOP, EU, "unknown:unknown"): 1  # all its rows have the same text
    }
    counted = by_region(ended.exposition, "resources_scanned_total")
    assert counted == {**dict.fromkeys(EVERYWHERE, 5), (SHOP, EU): 4}


def test_a_role_that_cannot_be_assumed_fails_every_source(program: Program) -> None:
    organization = company()
    configure(program, organization, "report", more_sources=["iam", "autoscaling"])
    with FakeAws(organization) as fake:
        fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=LAB)
        ended = program.scan(fake)

    assert ended.code == 3
    sources = ["tagging", "autoscaling", "resource_explorer"]
    read = numbers(ended.exposition, READ, "account_id", "region", "source")
    assert read == {
        (account, region, source): account == SHOP
        for account in (SHOP, LAB)
        for region in (US, EU)
        for source in [*sources, *(["iam"] if region == US else [])]
    }


@pytest.mark.parametrize("on_failure", ["drop", "keep_last"])
def test_on_failure_decides_what_is_published_where_resource_explorer_failed(
    program: Program, on_failure: str
) -> None:
    organization = company()
    configure(program, organization, "count", on_failure=on_failure)
    with FakeAws(organization) as fake:
        good = program.scan(fake)
        FAULTS["no index"][0](fake)
        ended = program.scan()

    assert (good.code, ended.code) == (0, 3)
    counted = by_region(ended.exposition, "resources_scanned_total")
    if on_failure == "keep_last":
        assert counted == dict.fromkeys(EVERYWHERE, 5)
        assert ended.exposition.contract_lines == good.exposition.contract_lines
    else:
        assert counted == {(SHOP, US): 5, (LAB, US): 5}


def test_resources_of_a_source_that_was_read_are_excluded_although_another_source_failed(
    program: Program,
) -> None:
    organization = company()
    configure(program, organization, "count")
    with FakeAws(organization) as fake:
        fake.faults.add(Fault.ACCESS_DENIED, operation="GetResources", region=EU)
        ended = program.scan(fake)

    assert ended.code == 3
    excluded = by_region(ended.exposition, "tag_compliance_excluded_resources")
    assert excluded == dict.fromkeys(EVERYWHERE, 1)
    assert by_region(ended.exposition, "resources_scanned_total") == {(SHOP, US): 5, (LAB, US): 5}


def test_a_result_is_reused_while_it_is_new_and_merged_again(program: Program) -> None:
    organization = company()
    configure(program, organization, "count")
    program.configure(organization, regions=[US, EU], never_tagged="count", REQUIRED_TAGS=["Owner"])
    with FakeAws(organization) as fake:
        first = program.scan(fake)
        calls = fake.calls.count("ListResources")
        organization[SHOP].put(EU, queue(SHOP, EU, "never-1"), {"Owner": "now"})
        second = program.scan()

    assert (first.code, second.code) == (0, 0)
    assert fake.calls.count("ListResources") == calls == 4
    result_at = "tag_compliance_source_result_timestamp_seconds"
    then = numbers(first.exposition, result_at, "account_id", "region", "source")
    now = numbers(second.exposition, result_at, "account_id", "region", "source")
    assert then[SHOP, EU, "resource_explorer"] == now[SHOP, EU, "resource_explorer"]
    assert then[SHOP, EU, "tagging"] < now[SHOP, EU, "tagging"]
    compliant = "resources_fully_compliant_total"
    assert by_region(first.exposition, compliant)[SHOP, EU] == 1
    assert by_region(second.exposition, compliant)[SHOP, EU] == 2
    scanned = "resources_scanned_total"
    assert by_region(first.exposition, scanned) == by_region(second.exposition, scanned)
    assert by_region(first.exposition, OWN)[SHOP, EU] == 2
    assert by_region(second.exposition, OWN)[SHOP, EU] == 1
