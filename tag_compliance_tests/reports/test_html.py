"""The HTML report is one self-contained, escaped page with charts."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.reports.context import ReportContext
from tag_compliance.reports.formats import ReportFormat
from tag_compliance.reports.html import SHOWN_ROWS
from tag_compliance_tests.reports.rows import CONTEXT, WAIVED, nasty_rows, report_row, written


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(data.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.texts))


def page(*rows: ReportRow, context: ReportContext = CONTEXT) -> Page:
    return Page(written(ReportFormat.HTML, rows, context))


@settings(deadline=None, max_examples=50)
@given(st.lists(nasty_rows, min_size=1, max_size=3))
def test_whatever_strangers_write_adds_no_element(rows: list[ReportRow]) -> None:
    plain = [
        report_row(
            arn=f"r{n}", rule=row.rule, severity=row.severity, state=row.state,
            waiver=row.waiver and "w", owner=row.owner and "o", console_url=None,
        )
        for n, row in enumerate(rows)
    ]  # fmt: skip
    found, expected = page(*rows), page(*plain)
    in_table = {"td", "tr", "br"}
    assert [e for e, _ in found.elements if e in in_table] == [
        e for e, _ in expected.elements if e in in_table
    ]
    assert {e for e, _ in found.elements} <= {e for e, _ in page(WAIVED).elements}


def test_the_page_loads_nothing_and_has_no_script() -> None:
    text = written(ReportFormat.HTML, [report_row(), WAIVED]).decode()
    found = Page(text.encode())
    assert not {"script", "link", "img", "iframe", "object"} & {e for e, _ in found.elements}
    assert not [a for _, attributes in found.elements for a in attributes if a.startswith("on")]
    addresses = {a["href"] for e, a in found.elements if "href" in a}
    assert addresses == {"https://console.aws.amazon.com/go/view?arn=x"}
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_the_page_has_totals_charts_and_the_rows() -> None:
    found = page(report_row("a"), report_row("b", severity="low"), WAIVED)
    assert "Findings in this report3" in found.text
    assert "of them open2" in found.text
    assert "50.0 %" in found.text
    assert "2026-05-04T12:00:00Z" in found.text
    titles = [t for t in found.texts if t.startswith("By ")]
    assert titles == ["By severity", "By rule", "By account", "By owner", "By resource type"]
    assert len([e for e, _ in found.elements if e == "svg"]) == 5
    assert "waived by W-1" in found.text


def test_without_owners_the_page_has_no_chart_by_owner() -> None:
    found = page(report_row(owner=None), report_row("b", owner=None))
    titles = [t for t in found.texts if t.startswith("By ")]
    assert titles == ["By severity", "By rule", "By account", "By resource type"]


def test_without_required_tags_the_page_shows_no_compliance_with_them() -> None:
    accounts = tuple(
        replace(account, counts=replace(account.counts, compliant=None))
        for account in CONTEXT.accounts
    )
    shown = page(report_row(), context=replace(CONTEXT, accounts=accounts))
    assert "every required tag" in page(report_row()).text
    assert "every required tag" not in shown.text
    assert " %" not in shown.text


def test_the_table_is_limited_to_the_most_serious_rows_and_says_so() -> None:
    rows = [report_row(f"{n:05}", severity="low") for n in range(SHOWN_ROWS + 5)]
    found = page(*rows, report_row("worst", severity="critical"))
    in_table = [a["class"] for e, a in found.elements if e == "td" and "class" in a]
    assert len(in_table) == SHOWN_ROWS
    assert in_table[0] == "critical"
    assert "The 1,000 most serious of 1,006 findings" in found.text


def test_the_page_says_what_was_not_read() -> None:
    accounts = (replace(CONTEXT.accounts[0], unread=("shop us-east-1: throttled",)),)
    found = page(context=replace(CONTEXT, accounts=accounts))
    assert "This report is incomplete." in found.text
    assert "shop us-east-1: throttled" in found.text
    assert "No findings." in found.text
    assert "This report is incomplete." not in page(report_row()).text


def test_the_compliance_names_one_account_in_the_singular() -> None:
    one = replace(CONTEXT, accounts=CONTEXT.accounts[:1])
    assert "Compliance of its 1 account" in page(context=one).text
    assert "1 accounts" not in page(context=one).text
    assert f"Compliance of its {len(CONTEXT.accounts)} accounts" in page().text
