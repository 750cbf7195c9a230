"""From the parameters of a request to a filter, or to all its faults."""

from __future__ import annotations

import pytest

from tag_compliance.domain.report_filter import FindingFilter
from tag_compliance.errors import BadParameters
from tag_compliance.exporter.findings_parameters import (
    FILTERS,
    FindingsRequest,
    parse,
    parse_findings,
)


def faults(*pairs: tuple[str, str], shows_values: bool = True) -> list[tuple[str, str]]:
    with pytest.raises(BadParameters) as caught:
        parse_findings(pairs, shows_values=shows_values)
    return [(fault.parameter, fault.rule) for fault in caught.value.faults]


def test_without_parameters_the_first_open_findings_are_asked_for() -> None:
    expected = FindingsRequest(FindingFilter(), "", "report", 50, None)
    assert parse_findings([], shows_values=True) == expected


def test_every_parameter_becomes_a_part_of_the_request() -> None:
    pairs = [
        ("account", "111122223333"),
        ("account", "222233334444"),
        ("account", "111122223333"),
        ("ou", "Work/Prod"),
        ("region", "eu-west-1"),
        ("type", "ec2:*"),
        ("rule", "required-tag-*"),
        ("severity", "high"),
        ("severity", "critical"),
        ("owner", "(none)"),
        ("tag", "Team=a=b"),
        ("tag", "Empty="),
        ("state", "all"),
        ("q", "bucket"),
        ("sort", "-age"),
        ("limit", "7"),
        ("cursor", "x"),
    ]
    chosen = FindingFilter(
        account_ids=("111122223333", "222233334444"),
        ous=("Work/Prod",),
        regions=("eu-west-1",),
        types=("ec2:*",),
        rules=("required-tag-*",),
        severities=("high", "critical"),
        owners=("(none)",),
        tags=(("Team", "a=b"), ("Empty", "")),
        state="all",
    )
    expected = FindingsRequest(chosen, "bucket", "-age", 7, "x")
    assert parse_findings(pairs, shows_values=True) == expected


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("account", "shop", "must be an account id: 12 digits"),
        ("account", "١١١١٢٢٢٢٣٣٣٣", "must be an account id: 12 digits"),
        ("severity", "High", "must be one of critical, high, medium, low, info"),
        ("state", "closed", "must be one of open, waived, all"),
        ("limit", "0", "must be 1 to 1000"),
        ("limit", "1001", "must be 1 to 1000"),
        ("limit", "9" * 5_000, "must be 1 to 1000"),
        ("limit", "1.0", "must be 1 to 1000"),
        ("limit", " 1", "must be 1 to 1000"),
        ("tag", "Team", "must be KEY=VALUE"),
        ("tag", "=x", "must be KEY=VALUE"),
        ("region", "", "must not be empty"),
        ("cursor", "", "must not be empty"),
        ("q", "\0", "must not contain the character NUL"),
        ("owner", "web\0", "must not contain the character NUL"),
    ],
)
def test_a_faulty_value_is_a_fault_with_its_rule(name: str, value: str, rule: str) -> None:
    assert faults((name, value)) == [(name, rule)]


def test_an_unknown_sort_order_is_a_fault_that_lists_all_orders() -> None:
    [(name, rule)] = faults(("sort", "size"))
    assert name == "sort"
    assert "severity" in rule
    assert "-age" in rule


def test_all_faults_are_reported_together() -> None:
    found = faults(("limit", "x"), ("acount", "1"), ("q", "a"), ("q", "b"), ("tag", "t"))
    assert [name for name, _ in found] == ["limit", "acount", "q", "tag"]
    assert found[1][1].startswith("unknown parameter; must be one of account, ou, ")
    assert found[2][1] == "must be given once"


def test_without_values_a_search_for_a_value_is_a_fault_that_names_the_setting() -> None:
    [(name, rule)] = faults(("tag", "Team=web"), shows_values=False)
    assert name == "tag"
    assert "report_values: false" in rule


def test_a_request_with_more_parameters_than_a_query_can_have_is_a_fault() -> None:
    pairs = [("account", f"{n:012}") for n in range(101)]
    assert faults(*pairs) == [("", "a request has at most 100 parameters")]
    assert parse_findings(pairs[1:], shows_values=True).chosen.account_ids[99] == f"{100:012}"


def test_a_download_has_filters_but_no_pages() -> None:
    parse_findings([("state", "all")], shows_values=True, names=FILTERS)
    with pytest.raises(BadParameters, match="limit"):
        parse_findings([("limit", "1")], shows_values=True, names=FILTERS)


def test_a_required_parameter_that_is_missing_is_a_fault() -> None:
    with pytest.raises(BadParameters, match="arn: this parameter is required"):
        parse([], names=("arn", "account"), required=("arn",))
    with pytest.raises(BadParameters, match="arn: must be given once"):
        parse([("arn", "a"), ("arn", "b")], names=("arn",), required=("arn",))


def test_spaces_around_a_search_are_not_searched_for() -> None:
    def search(text: str) -> str:
        return parse_findings([("q", text)], shows_values=True).search

    assert search(" sandbox ") == "sandbox"
    assert search("  ") == "  "
