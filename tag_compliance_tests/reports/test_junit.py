"""The JUnit report: a suite for each account, a case for each rule, as GitLab reads it."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.reports.context import ReportContext
from tag_compliance.reports.formats import ReportFormat
from tag_compliance_tests.reports.rows import (
    CONTEXT,
    LAB,
    RULES,
    WAIVED,
    nasty_rows,
    report_row,
    written,
)


def suites(*rows: ReportRow, context: ReportContext = CONTEXT) -> list[ET.Element]:
    root = ET.fromstring(written(ReportFormat.JUNIT, rows, context))
    assert root.tag == "testsuites"
    return list(root)


def outcomes(suite: ET.Element) -> dict[str, list[str]]:
    return {case.get("name", ""): [child.tag for child in case] for case in suite}


def test_a_rule_with_open_findings_fails_and_one_without_passes() -> None:
    shop, lab = suites(report_row("a"), report_row("b"), WAIVED)
    assert outcomes(shop) == {
        "[medium] required-tag-Env": [],
        "[high] required-tag-Owner": ["failure"],
    }
    assert set(map(tuple, outcomes(lab).values())) == {()}
    failure = shop.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "Owner is required: 2 open, 1 waived"
    assert failure.text is not None
    assert failure.text.splitlines()[0] == f"eu-west-1 {report_row('a').arn}: missing (Owner)"
    assert (shop.get("tests"), shop.get("failures"), shop.get("skipped")) == ("2", "1", "0")


def test_a_rule_with_waived_findings_only_is_skipped() -> None:
    shop, _ = suites(WAIVED)
    assert outcomes(shop)["[high] required-tag-Owner"] == ["skipped"]
    assert shop.get("skipped") == "1"


def test_an_account_that_was_not_fully_read_has_an_error() -> None:
    unread = (f"{LAB} (lab) us-east-1: throttled: too fast",)
    accounts = (CONTEXT.accounts[0], replace(CONTEXT.accounts[1], unread=unread))
    _, lab = suites(report_row(), context=replace(CONTEXT, accounts=accounts))
    assert outcomes(lab)["everything was read (1)"] == ["error"]
    assert lab.get("errors") == "1"
    [error] = lab.findall("testcase/error")
    assert error.get("message") == unread[0]


def test_no_rule_passes_in_an_account_that_was_not_fully_read() -> None:
    accounts = tuple(
        replace(account, unread=(f"{account.account_id} us-east-1: throttled",))
        for account in CONTEXT.accounts
    )
    violated, lab = suites(report_row(), context=replace(CONTEXT, accounts=accounts))
    assert ["failure"] in outcomes(violated).values()
    for suite in (violated, lab):
        assert [] not in outcomes(suite).values()
        assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))


def test_suites_are_ordered_by_account_and_cases_are_complete_whatever_the_rows() -> None:
    accounts = tuple(reversed(CONTEXT.accounts))
    context = replace(CONTEXT, accounts=accounts)
    names = [suite.get("name") for suite in suites(report_row(account_id=LAB), context=context)]
    assert names == ["111122223333 shop", "222233334444 lab"]


def test_the_text_of_a_failure_is_limited() -> None:
    shop, _ = suites(*(report_row(f"{n:03}") for n in range(120)))
    [failure] = shop.findall("testcase/failure")
    assert failure.text is not None
    lines = failure.text.splitlines()
    assert (len(lines), lines[-1]) == (51, "and 70 more")


@settings(deadline=None, max_examples=100)
@given(st.lists(nasty_rows, max_size=4))
def test_any_text_is_well_formed_xml_and_the_counts_of_a_suite_are_right(
    rows: list[ReportRow],
) -> None:
    shop, _ = suites(*rows)
    assert len(shop) == len(RULES) == int(shop.get("tests", ""))
    assert len(shop.findall("testcase/failure")) == int(shop.get("failures", ""))
    assert len(shop.findall("testcase/skipped")) == int(shop.get("skipped", ""))


def test_control_characters_that_xml_forbids_are_replaced() -> None:
    [failure] = suites(report_row("a\x00\x1b[31m\ufffe"))[0].findall("testcase/failure")
    assert failure.text is not None
    assert "a\ufffd\ufffd[31m\ufffd: missing" in failure.text
