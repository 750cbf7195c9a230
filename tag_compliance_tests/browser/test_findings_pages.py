"""A real browser shows the pages of findings: with a mouse, with the keyboard, on a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tag_compliance.domain.report_row import ReportRow
from tag_compliance_tests.browser.running import running_browser
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.exporter.test_findings_queries import organization
from tag_compliance_tests.reports.rows import LAB, WAIVED
from tag_compliance_tests.support.findings import publish_findings
from tag_compliance_tests.support.system import axe_core
from tag_compliance_tests.support.waiting import eventually

pytestmark = pytest.mark.slow

WIDE, PHONE = (1440, 390)
ROWS: list[ReportRow] = sorted(
    [*organization(240), WAIVED],
    key=lambda r: (r.account_id, r.region, r.resource_type, r.arn, r.rule),
)
OPEN = [row for row in ROWS if row.state == "open"]
_RESOURCE = f"/resources?arn={WAIVED.arn}"
_PAGES = (
    *("/findings", "/findings?q=%25_&state=waived&sort=-age", "/findings?owner=nobody"),
    *("/findings?severity=worst", "/accounts", f"/owners?account={LAB}", "/rules", "/types"),
    *("/resources", "/resources?arn=arn:aws:s3:::other", _RESOURCE),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    folder = tmp_path_factory.mktemp("storage")
    publish_findings(folder, ROWS)
    with run_in_thread(folder) as exporter:
        eventually(lambda: exporter.get("/findings").status == 200)
        yield exporter


@pytest.fixture
def page(browser: Browser, serving: Exporter) -> Iterator[Page]:
    """The page of findings. Errors of its script, and what its policy blocks, fail the test."""
    problems: list[str] = []
    base = f"http://127.0.0.1:{serving.port}"
    with browser.new_context(
        viewport={"width": WIDE, "height": 900}, base_url=base, accept_downloads=True
    ) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto("/findings")
        yield page
    assert problems == []


def arns(page: Page) -> list[str]:
    return page.locator("tbody th code").all_inner_texts()


def count(page: Page) -> str:
    return page.locator("#count").inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
@pytest.mark.parametrize("path", _PAGES)
def test_axe_core_finds_nothing_to_improve_and_nothing_is_too_wide(
    browser: Browser, serving: Exporter, path: str, width: int, scheme: str
) -> None:
    with browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
        base_url=f"http://127.0.0.1:{serving.port}",
    ) as context:
        page = context.new_page()
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.evaluate(axe_core())
        result = page.evaluate("axe.run()")
    assert len(result["passes"]) > 10
    shown = [(v["id"], v["help"], v["nodes"][0]["html"]) for v in result["violations"]]
    assert shown == []


def test_a_search_and_filters_have_an_address_that_can_be_sent(page: Page) -> None:
    page.get_by_label("Search").fill("bucket")
    page.get_by_label("Account", exact=True).select_option(LAB)
    page.get_by_label("Severity").select_option("high")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(f"/findings?q=bucket&account={LAB}&severity=high")
    wanted = [
        row
        for row in OPEN
        if "bucket" in row.resource_type and (row.account_id, row.severity) == (LAB, "high")
    ]
    assert wanted
    assert sorted(arns(page)) == sorted(row.arn for row in wanted)
    expect(page.get_by_label("Severity")).to_have_value("high")
    page.get_by_role("link", name="Remove the filter Search: bucket").click()
    expect(page.get_by_label("Search")).to_have_value("")
    expect(page.get_by_label("Account", exact=True)).to_have_value(LAB)


def test_the_pages_work_without_javascript(browser: Browser, serving: Exporter) -> None:
    with browser.new_context(
        java_script_enabled=False, base_url=f"http://127.0.0.1:{serving.port}"
    ) as context:
        page = context.new_page()
        page.goto("/findings")
        page.get_by_label("Region").select_option("eu-west-1")
        page.get_by_role("button", name="Show").click()
        wanted = [row for row in OPEN if row.region == "eu-west-1"]
        assert count(page) == f"{len(wanted)} open findings"


def test_a_column_sorts_upwards_and_then_downwards(page: Page) -> None:
    page.locator("thead").get_by_role("link", name="Owner").click()
    expect(page.locator("[aria-sort=ascending]")).to_have_text("Owner")
    page.locator("thead").get_by_role("link", name="Owner").click()
    expect(page.locator("[aria-sort=descending]")).to_have_text("Owner")
    owners = page.locator("tbody td:nth-child(6)").all_inner_texts()
    assert owners[0] == "web"
    assert owners == sorted(owners, reverse=True)


def test_paging_shows_each_finding_once_and_leads_back(page: Page) -> None:
    page.goto("/findings?limit=100")
    first = arns(page)
    seen = [*first]
    while page.get_by_role("link", name="Next").count():
        page.get_by_role("link", name="Next").click()
        page.wait_for_load_state()
        seen += arns(page)
    assert sorted(seen) == sorted(row.arn for row in OPEN)
    while page.get_by_role("link", name="Previous").count():
        page.get_by_role("link", name="Previous").click()
        page.wait_for_load_state()
    assert arns(page) == first


def test_what_is_shown_can_be_downloaded(page: Page, tmp_path: Path) -> None:
    page.goto("/findings?severity=critical&state=all")
    wanted = [row.arn for row in ROWS if row.severity == "critical"]
    with page.expect_download() as started:
        page.get_by_role("link", name="JSON lines").click()
    path = tmp_path / "findings.jsonl"
    started.value.save_as(path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["arn"] for line in lines if "arn" in line] == wanted
    assert count(page) == f"{len(wanted)} findings"


def test_a_resource_can_be_reached_and_its_command_copied(page: Page) -> None:
    page.locator("tbody th a code").first.click()
    expect(page.get_by_role("heading", name="What would fix it")).to_be_visible()
    shown = page.locator(".command pre").first.inner_text()
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    assert shown.startswith("aws resourcegroupstaggingapi tag-resources")


def test_a_number_of_an_owner_leads_to_its_findings(page: Page) -> None:
    page.get_by_label("Pages").get_by_role("link", name="Owners").click()
    number = page.locator("tr", has_text="web").locator("td.critical a")
    shown = number.inner_text()
    number.click()
    assert count(page) == f"{shown} open findings"
    wanted = [row for row in OPEN if (row.owner, row.severity) == ("web", "critical")]
    assert shown == str(len(wanted))


def test_the_keyboard_alone_searches_pages_and_reaches_a_resource(page: Page) -> None:
    keys = page.keyboard
    keys.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_visible()
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(page.get_by_label("Search")).to_be_focused()
    keys.type("bucket")
    keys.press("Enter")
    expect(page).to_have_url("/findings?q=bucket")
    _tab_to(page, "thead a")
    _tab_to(page, "tbody th a")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Resource")


def _tab_to(page: Page, selector: str) -> None:
    """Presses the tab key until such an element has the focus, which can be seen."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(f"document.activeElement.matches({json.dumps(selector)})")
        if focused:
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            return
    pytest.fail(f"the tab key does not reach {selector}")


def test_a_page_that_a_person_goes_back_to_is_as_it_was(page: Page) -> None:
    page.get_by_label("Search").fill("bucket")
    page.get_by_role("button", name="Show").click()
    page.get_by_label("Pages").get_by_role("link", name="Rules").click()
    page.go_back()
    expect(page.get_by_label("Search")).to_have_value("bucket")
    page.go_back()
    page.get_by_label("Type").fill("vpc")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url("/findings?q=bucket&type=vpc")
