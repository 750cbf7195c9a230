"""The metrics of generated organizations, against the naive evaluation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.metrics import CONTRACT_METRICS
from tag_compliance.domain.policy import Policy
from tag_compliance.snapshot.exposition import render
from tag_compliance_tests.domain import naive
from tag_compliance_tests.domain.organizations import (
    accounts,
    families_of,
    inventory_of,
    parsed,
    patterns,
    required_tags,
)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_the_published_text_reads_back_as_the_naive_evaluation(data: st.DataObject) -> None:
    required = data.draw(required_tags())
    organization = data.draw(accounts(required))
    excluding = data.draw(patterns)
    limit = data.draw(st.sampled_from([None, 0, 1, 3, 1000]))
    policy = Policy(tuple(required), tuple(excluding))
    text = render(families_of([inventory_of(account) for account in organization], policy, limit))
    published = {key: value for key, value in parsed(text).items() if key[0] in naive.NAMES}
    assert published == naive.samples(organization, required, excluding, limit)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_neither_the_order_of_accounts_nor_that_of_pages_matters(data: st.DataObject) -> None:
    required = data.draw(required_tags())
    organization = data.draw(accounts(required))
    policy = Policy(tuple(required))
    pages = [_pages(account) for account in organization]
    shuffled = [data.draw(st.permutations(rows)) for rows in pages]
    listed = list(zip(organization, pages, strict=True))
    mixed = data.draw(st.permutations(list(zip(organization, shuffled, strict=True))))
    one = render(families_of([inventory_of(a, rows) for a, rows in listed], policy, 3))
    other = render(families_of([inventory_of(a, rows) for a, rows in mixed], policy, 3))
    assert parsed(one) == parsed(other)


def _pages(account: dict[str, Any]) -> list[tuple[str, Any]]:
    """Its rows, each ARN once in a region: of two rows for one resource the first counts."""
    return [
        (region["region"], row)
        for region in account["regions"]
        for row in {row["arn"]: row for row in region["rows"]}.values()
    ]


def _account(*rows: tuple[str, str, dict[str, str]], read: bool = True) -> dict[str, Any]:
    made = [{"arn": arn, "resource_type": type_, "tags": tags} for arn, type_, tags in rows]
    region = {"region": "eu-west-1", "read": read, "rows": made}
    return {"account_id": "111122223333", "account_name": "shop", "regions": [region]}


_WHERE = {"account_id": "111122223333", "account_name": "shop", "region": "eu-west-1"}


_VPC = ("arn:aws:ec2:eu-west-1:1:vpc/a", "ec2:vpc", {"owner": "me"})


@pytest.mark.parametrize(
    ("rows", "excluded", "counted", "percentage"),
    [
        pytest.param([], [], 0, None, id="an empty region has no percentage"),
        pytest.param([_VPC], ["ec2:vpc"], 0, None, id="excluded resources have no percentage"),
        pytest.param([_VPC], [], 1, 0, id="nothing compliant is 0 %"),
    ],
)
def test_a_region_without_compliant_resources_has_zeros_and_only_then_a_percentage(
    rows: list[tuple[str, str, dict[str, str]]],
    excluded: list[str],
    counted: int,
    percentage: float | None,
) -> None:
    families = families_of([inventory_of(_account(*rows))], Policy(("Owner",), tuple(excluded)))
    samples = parsed(render(families)).items()
    found = {name: value for (name, labels), value in samples if dict(labels) == _WHERE}
    assert found["resources_scanned_total"] == counted
    assert found["resources_fully_compliant_total"] == 0
    assert found.get("compliance_percentage") == percentage


def test_a_failed_region_has_no_contract_sample_and_its_reason_is_published() -> None:
    account = _account(_VPC, read=False)
    found = parsed(render(families_of([inventory_of(account)], Policy(("Owner",)))))
    names = {name for name, _ in found}
    assert names.isdisjoint(metric.name for metric in CONTRACT_METRICS)
    labels = {**_WHERE, "reason": "throttled"}
    assert found["tag_compliance_region_scan_success", frozenset(labels.items())] == 0
