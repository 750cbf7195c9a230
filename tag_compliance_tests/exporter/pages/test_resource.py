"""The page of one resource."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tag_compliance.domain.rules.base import Code
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.html_pages import render
from tag_compliance.exporter.pages.resource import ResourcePage
from tag_compliance_tests.exporter.pages.sample import BUCKET, HOSTILE, frame_of, queries_of
from tag_compliance_tests.exporter.test_status_page import Parsed
from tag_compliance_tests.reports.rows import LAB, SHOP, WAIVED, report_row


def page_of(queries: FindingsQueries, arn: str, account_id: str = "") -> ResourcePage:
    return ResourcePage.read(queries, frame_of(queries, "/resources"), arn, account_id)


def text_of(page: ResourcePage) -> str:
    return re.sub(r"\s+", " ", "".join(Parsed(render("resource.html", page)).text))


def test_each_account_that_has_the_resource_is_shown(queries: FindingsQueries) -> None:
    both = page_of(queries, BUCKET)
    assert [a.first.account_id for a in both.accounts] == [SHOP, LAB]
    assert [a.first.account_id for a in page_of(queries, BUCKET, LAB).accounts] == [LAB]


def test_a_resource_has_its_findings_with_titles_meanings_and_commands(
    queries: FindingsQueries,
) -> None:
    page = page_of(queries, report_row().arn)
    text = text_of(page)
    assert "Env is required" in text
    assert "Owner: the tag is missing" in text
    assert "from the tag Team" in text
    assert page.accounts[0].fix.commands[0] in text
    assert "nothing runs them" in text


def test_a_waived_finding_has_its_last_day_and_reason_and_needs_no_command(tmp_path: Path) -> None:
    waiver = {"waiver": "W-1", "reason": "old", "owner": "me", "expires": "2026-12-31"}
    waivers = [{**waiver, "ticket": None, "state": "active", "findings": 1}]
    page = page_of(queries_of(tmp_path / "f.sqlite", [WAIVED], waivers=waivers), WAIVED.arn)
    text = text_of(page)
    assert "Waived by W-1, last day 2026-12-31: old" in text
    assert "First seen 2026-05-01 06:00:00 UTC, 3 days" in text
    assert page.accounts[0].fix.commands == ()
    assert "What would fix it" not in text


def test_a_resource_without_findings_leads_to_the_command_that_knows_it(
    queries: FindingsQueries,
) -> None:
    arn = "arn:aws:s3:::$(rm)"
    page = page_of(queries, arn, LAB)
    assert page.is_unknown
    assert shlex.split(page.explain) == ["tag-compliance", "explain", arn, "--account", LAB]
    assert page.explain in text_of(page)
    assert page.search.values("q") == (arn,)


def test_values_that_are_not_shown_say_so(tmp_path: Path) -> None:
    row = report_row(tags={"Team": None, "Empty": ""})
    text = text_of(page_of(queries_of(tmp_path / "f.sqlite", [row], show_values=False), row.arn))
    assert "not shown (report_values: false)" in text
    assert "platform" not in text.replace("platform from the tag Team", "")


def test_what_strangers_write_is_text(queries: FindingsQueries) -> None:
    page = page_of(queries, report_row("hostile").arn)
    html = render("resource.html", page)
    assert [tag for tag, _ in Parsed(html).tags].count("script") == 1
    assert "".join(Parsed(html).text).count(HOSTILE) >= 4


def test_every_code_has_a_meaning(queries: FindingsQueries) -> None:
    row = report_row(codes=tuple(str(code) for code in Code))
    assert not {*page_of(queries, "").meanings(row)} & {*row.codes}
