"""The page of findings."""

from __future__ import annotations

from pathlib import Path

from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.html_pages import render
from tag_compliance_tests.exporter.pages.sample import (
    BUCKET,
    HOSTILE,
    findings_page,
    queries_of,
)
from tag_compliance_tests.exporter.test_status_page import Parsed
from tag_compliance_tests.reports.rows import LAB, report_row


def test_the_number_is_that_of_all_pages(queries: FindingsQueries) -> None:
    page = findings_page(queries, "limit=2")
    assert (page.count, len(page.rows), page.count_text) == (5, 2, "5 open findings")
    assert findings_page(queries, "state=waived").count_text == "1 waived finding"
    assert findings_page(queries, "state=all").count_text == "6 findings"


def test_the_links_lead_through_all_pages_and_back(queries: FindingsQueries) -> None:
    first = findings_page(queries, "limit=2&sort=severity")
    assert first.previous is None
    assert first.next is not None
    second = findings_page(queries, str(first.next).partition("?")[2])
    assert second.previous is not None
    again = findings_page(queries, str(second.previous).partition("?")[2])
    assert [*again.rows] == [*first.rows]
    assert again.previous is None


def test_a_column_in_use_sorts_in_reverse_and_others_begin_upwards(
    queries: FindingsQueries,
) -> None:
    by_age = {c.label: c for c in findings_page(queries, "sort=age&q=vpc").columns()}
    assert by_age["Age"].direction == "ascending"
    assert str(by_age["Age"].address) == "/findings?q=vpc&sort=-age"
    assert (by_age["Owner"].direction, by_age["Owner"].address.values("sort")) == ("", ("owner",))
    reverse = {c.label: c for c in findings_page(queries, "sort=-age").columns()}
    assert reverse["Age"].direction == "descending"
    assert reverse["Age"].address.values("sort") == ("age",)


def test_downloads_have_the_filters_and_not_the_page(queries: FindingsQueries) -> None:
    page = findings_page(queries, "q=vpc&state=all&sort=age&limit=2")
    assert [str(address) for _, address in page.downloads()] == [
        "/findings.csv?q=vpc&state=all",
        "/findings.jsonl?q=vpc&state=all",
    ]
    assert next(str(address) for _, address in page.breakdowns()) == "/accounts?q=vpc"


def test_an_order_that_the_list_does_not_have_stays_chosen(queries: FindingsQueries) -> None:
    fields = {field.name: field for field in findings_page(queries, "sort=-type&limit=7").fields()}
    assert ("-type", "-type") in fields["sort"].options
    assert ("7", "7") in fields["limit"].options


def test_what_strangers_write_is_text(queries: FindingsQueries) -> None:
    html = render("findings.html", findings_page(queries, "q=" + "hostile"))
    assert [tag for tag, _ in Parsed(html).tags].count("script") == 1
    assert HOSTILE in "".join(Parsed(html).text)
    html = render("findings.html", findings_page(queries, "q=%3Cscript%3E%22"))
    assert [tag for tag, _ in Parsed(html).tags].count("script") == 1
    values = [a.get("value") for tag, a in Parsed(html).tags if a.get("name") == "q"]
    assert values == ['<script>"']


def test_no_link_leads_to_something_that_is_not_a_page(tmp_path: Path) -> None:
    arn = "javascript:alert(1)"
    queries = queries_of(tmp_path / "f.sqlite", [report_row(arn=arn, rule="javascript:x")])
    html = render("findings.html", findings_page(queries))
    links = [str(a["href"]) for tag, a in Parsed(html).tags if tag == "a"]
    assert [link for link in links if not link.startswith(("/", "#", "https://"))] == []


def test_without_findings_the_page_says_so(tmp_path: Path, queries: FindingsQueries) -> None:
    nothing = queries_of(tmp_path / "f.sqlite", [])
    assert "There is no open finding" in render("findings.html", findings_page(nothing))
    html = render("findings.html", findings_page(queries, "owner=nobody"))
    assert "No finding has the owner nobody" in html
    assert "No finding matches all of these filters" in html


def test_a_row_leads_to_its_resource_in_its_account(queries: FindingsQueries) -> None:
    page = findings_page(queries, f"account={LAB}")
    assert page.resource(page.rows[0]).parameters == (("arn", BUCKET), ("account", LAB))
