"""The pages of findings over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tag_compliance.domain.findings_access import FindingsAccess
from tag_compliance.exporter.html_pages import NAVIGATION, PAGE_HEADERS
from tag_compliance_tests.exporter.pages.sample import BUCKET, ROWS
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.exporter.test_status_page import Parsed
from tag_compliance_tests.reports.rows import SHOP
from tag_compliance_tests.support.findings import publish_findings
from tag_compliance_tests.support.snapshots import publish
from tag_compliance_tests.support.waiting import eventually

PAGES = [path for path, _ in NAVIGATION if path != "/"]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Exporter]:
    publish_findings(tmp_path, ROWS)
    with run_in_thread(tmp_path) as exporter:
        eventually(lambda: exporter.get("/findings").status == 200)
        yield exporter


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_elsewhere_and_is_not_kept(serving: Exporter, path: str) -> None:
    response = serving.get(path)
    assert response.status == 200
    assert {name: response.headers[name.lower()] for name in PAGE_HEADERS} == PAGE_HEADERS
    assert response.headers["cache-control"] == "no-store"
    parsed = Parsed(response.text)
    loaded = [a.get("src") or a.get("href") for tag, a in parsed.tags if tag in {"script", "link"}]
    for address in filter(None, loaded):
        if address != "data:,":
            assert serving.get(address).status == 200
    assert not [a for _, a in parsed.tags if "style" in a or any(n.startswith("on") for n in a)]


def test_every_page_and_the_status_page_lead_to_each_other(serving: Exporter) -> None:
    for path in ("/", *PAGES):
        page = Parsed(serving.get(path, Accept="text/html").text)
        links = [a.get("href") for tag, a in page.tags if tag == "a"]
        assert [link for link, _ in NAVIGATION if link not in links] == []
        current = [a["href"] for _, a in page.tags if a.get("aria-current") == "page"]
        assert current == [path]


def test_the_status_page_leads_to_the_findings_of_each_account_and_tag(serving: Exporter) -> None:
    page = Parsed(serving.get("/", Accept="text/html").text)
    links = {str(a.get("href")) for tag, a in page.tags if tag == "a"}
    wanted = {f"/findings?account={SHOP}", "/findings?rule=required-tag-Owner"}
    assert wanted <= links
    assert {serving.get(link).status for link in wanted} == {200}


def test_every_link_of_a_page_leads_to_a_page(serving: Exporter) -> None:
    for path in (*PAGES, f"/resources?arn={quote(BUCKET)}", "/findings?state=all&limit=2"):
        for tag, attributes in Parsed(serving.get(path).text).tags:
            link = str(attributes.get("href", "#"))
            if tag == "a" and link.startswith("/"):
                assert serving.get(link).status == 200, (path, link)


def test_empty_fields_of_a_form_are_left_out(serving: Exporter) -> None:
    response = serving.get("/findings?q=&account=&severity=low&state=&sort=severity&limit=50")
    assert response.status == 200
    assert "1 open finding<" in response.text


def test_a_search_that_is_not_possible_names_each_fault_and_leads_on(serving: Exporter) -> None:
    response = serving.get("/findings?rule=x&severity=worst&account=1&who=me")
    assert (response.status, response.headers["content-type"]) == (422, "text/html; charset=utf-8")
    for text in ("must be one of critical", "12 digits", "who = &#39;me&#39;: unknown"):
        assert text in response.text
    assert 'href="/findings?rule=x"' in response.text
    assert serving.get("/owners?sort=best").status == 422
    assert serving.get("/resources?name=x").status == 422


def test_a_cursor_of_an_earlier_snapshot_leads_to_the_first_page(
    serving: Exporter, tmp_path: Path
) -> None:
    page = Parsed(serving.get("/findings?state=all&limit=2").text)
    [following] = [str(a["href"]) for _, a in page.tags if a.get("rel") == "next"]
    assert serving.get(following).status == 200
    publish_findings(tmp_path, ROWS)
    eventually(lambda: serving.get(following).status == 410)
    response = serving.get(following)
    assert "There is a newer snapshot" in response.text
    assert 'href="/findings?state=all&amp;limit=2"' in response.text


def test_without_a_database_the_page_says_why_and_when_to_try_again(
    exporter: Exporter, tmp_path: Path
) -> None:
    assert exporter.get("/findings").status == 503
    publish(tmp_path)
    eventually(lambda: "findings_database" in exporter.get("/findings").text)
    response = exporter.get("/findings?q=x")
    assert response.headers["retry-after"]
    assert 'href="/findings?q=x"' in response.text


def test_who_may_not_read_findings_reads_the_setting(serving: Exporter) -> None:
    response = serving.get("/findings", Host="findings.example.com")
    assert response.status == 403
    assert "findings_access" in response.text
    assert ROWS[0].arn not in response.text


def test_the_page_says_what_the_snapshot_lacks(tmp_path: Path) -> None:
    publish_findings(tmp_path, ROWS, omitted=1234)
    with run_in_thread(tmp_path, findings_access=FindingsAccess.OPEN) as exporter:
        eventually(lambda: exporter.get("/findings").status == 200)
        text = exporter.get("/findings").text
    assert "1\N{NARROW NO-BREAK SPACE}234 findings are not on these pages" in text
    assert "The percentages cover" in text


def test_the_number_of_the_page_is_that_of_its_download(serving: Exporter) -> None:
    text = serving.get("/findings?state=all").text
    lines = serving.get("/findings.jsonl?state=all").text.splitlines()
    findings = [line for line in map(json.loads, lines) if "arn" in line]
    assert f"{len(findings)} findings" in text
    assert len(findings) == len(ROWS)


def test_an_unknown_resource_is_not_found_and_a_head_request_has_no_body(
    serving: Exporter,
) -> None:
    assert serving.get("/resources?arn=arn:aws:s3:::other").status == 404
    response = serving.get("/findings", method="HEAD")
    assert (response.status, response.body) == (200, b"")
