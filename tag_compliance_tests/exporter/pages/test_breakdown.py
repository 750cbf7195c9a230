"""The pages that count findings by account, owner, rule and type."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.exporter.findings_parameters import FILTERS, parse_findings
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.html_pages import render
from tag_compliance.exporter.pages import breakdown
from tag_compliance.exporter.pages.breakdown import Breakdown
from tag_compliance.exporter.pages.breakdown_lines import SUBJECTS, Subject
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance_tests.exporter.pages.sample import (
    ROWS,
    address_of,
    findings_page,
    frame_of,
    queries_of,
)
from tag_compliance_tests.exporter.test_status_page import Parsed
from tag_compliance_tests.reports.rows import LAB, SHOP
from tag_compliance_tests.support.snapshots import (
    NOON,
    account_status,
    region_status,
    scan_status,
)

BY = {subject.parameter: subject for subject in SUBJECTS}


def page_of(
    queries: FindingsQueries, by: str, query: str = "", status: ScanStatus | None = None
) -> Breakdown:
    subject: Subject = BY[by]
    address = address_of(query, subject.path)
    pairs = [pair for pair in address.parameters if pair[0] != "sort"]
    request = parse_findings(pairs, shows_values=True, names=FILTERS)
    frame = frame_of(queries, subject.path, status)
    return Breakdown.read(queries, frame, subject, address, request)


@pytest.mark.parametrize("by", [*BY])
def test_each_number_is_that_of_the_list_to_which_it_leads(
    queries: FindingsQueries, by: str
) -> None:
    page = page_of(queries, by)
    assert sum(line.open for line in page.lines) == 5
    for line in page.lines:
        for severity, number in line.counts.items():
            query = str(page.findings(line, severity=severity)).partition("?")[2]
            assert findings_page(queries, query).count == number
        query = str(page.findings(line, state="waived")).partition("?")[2]
        assert findings_page(queries, query).count == line.waived


def test_the_worst_comes_first(queries: FindingsQueries) -> None:
    assert [line.name for line in page_of(queries, "account").lines] == ["shop", "lab"]
    assert [line.name for line in page_of(queries, "account", "sort=name").lines] == ["lab", "shop"]
    by_rule = page_of(queries, "rule").lines
    assert [line.name for line in by_rule] == ["required-tag-Env", "required-tag-Owner"]
    most = page_of(queries, "rule", "sort=findings").lines
    assert [line.name for line in most] == ["required-tag-Owner", "required-tag-Env"]


def test_filters_choose_what_is_counted_and_stay_in_the_links(queries: FindingsQueries) -> None:
    page = page_of(queries, "owner", f"account={LAB}")
    assert [(line.name, line.open) for line in page.lines] == [("(none)", 1)]
    assert str(page.findings(page.lines[0])) == f"/findings?account={LAB}&owner=%28none%29"
    assert not page.has_share
    assert [choice.label for choice in page.choices()] == ["Account"]


def test_compliance_is_that_of_the_summary(queries: FindingsQueries) -> None:
    counted = Counter[str]()
    for row in queries.table("summary"):
        counted[row["account_id"]] += row["counted"]
    lines = {line.value: line for line in page_of(queries, "account").lines}
    assert {value: lines[value].whole for value in counted} == counted
    types = {line.value: line for line in page_of(queries, "type").lines}
    assert sum(line.whole for line in types.values()) == sum(counted.values())
    total = page_of(queries, "account").total()
    assert (total.part, total.whole) == (sum(t.part for t in types.values()), counted.total())
    assert page_of(queries, "rule").total().share is None
    rules = page_of(queries, "rule").lines
    assert [(line.part, line.whole) for line in rules] == [(1, 3), (1, 3)]


def test_lines_can_be_in_the_order_of_their_compliance_which_has_a_grade(
    queries: FindingsQueries,
) -> None:
    page = page_of(queries, "type", "sort=compliance")
    shares = [101 if line.share is None else line.share for line in page.lines]
    assert shares == sorted(shares)
    assert len({*shares}) > 2
    assert ("compliance", "lowest percentage") in page.orders()
    thresholds = scan_status(NOON).thresholds
    grades = [a["class"] for tag, a in Parsed(render("breakdown.html", page)).tags if tag == "svg"]
    shown = [line.share for line in [*page.lines, page.total()] if line.share is not None]
    assert grades == [str(thresholds.grade(share)) for share in shown]
    assert "compliance" not in dict(page_of(queries, "owner").orders())


def test_an_account_that_was_not_read_is_shown_with_the_reason(queries: FindingsQueries) -> None:
    unread = replace(
        account_status("vault", region_status(None, "access_denied")),
        account_id=AccountId("333344445555"),
    )
    page = page_of(queries, "account", status=scan_status(NOON, accounts=(unread,)))
    [line] = [line for line in page.lines if line.name == "vault"]
    assert (line.open, line.reasons) == (0, ["access_denied"])
    assert "1 account was not fully read" in page.frame.unread()
    assert "access_denied" in render("breakdown.html", page)


def test_a_page_shows_the_worst_lines_and_how_many_are_left_out(
    queries: FindingsQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breakdown, "MAX_ROWS", 1)
    page = page_of(queries, "account")
    assert [line.name for line in page.shown] == ["shop"]
    assert page.left_out == 1
    assert page.total().open == 5
    assert "1 more are not on this page" in render("breakdown.html", page)


def test_without_findings_the_page_says_so(tmp_path: Path, queries: FindingsQueries) -> None:
    nothing = queries_of(tmp_path / "f.sqlite", [])
    assert "There is no finding." in render("breakdown.html", page_of(nothing, "owner"))
    filtered = page_of(queries, "owner", "owner=nobody")
    assert "No finding matches these filters" in render("breakdown.html", filtered)


def test_open_and_waived_findings_add_up_to_all(queries: FindingsQueries) -> None:
    lines = page_of(queries, "account").lines
    found = {line.value: (line.open, line.waived) for line in lines if line.open}
    assert found == {SHOP: (4, 1), LAB: (1, 0)}
    assert len(ROWS) == sum(map(sum, found.values()))
