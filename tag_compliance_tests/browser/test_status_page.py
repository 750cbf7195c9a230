"""A real browser shows the status page of a large organization."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tag_compliance_tests.browser.running import running_browser
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.support.organization import large_scan
from tag_compliance_tests.support.snapshots import publish
from tag_compliance_tests.support.system import axe_core
from tag_compliance_tests.support.waiting import eventually

pytestmark = pytest.mark.slow

WIDE, PHONE = (1440, 390)
MINUTE = "01:01"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Exporter]:
    """With 12 accounts of 17 regions; the last three are not fully read."""
    publish(tmp_path, status=large_scan(datetime.now(UTC), 12))
    with run_in_thread(tmp_path) as exporter:
        eventually(lambda: exporter.get("/ready").status == 200)
        yield exporter


@pytest.fixture
def page(browser: Browser, serving: Exporter) -> Iterator[Page]:
    """The page, with a clock that only the test moves. Errors of its script fail the test."""
    problems: list[str] = []
    with browser.new_context(viewport={"width": WIDE, "height": 900}) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.clock.install()
        page.goto(f"http://127.0.0.1:{serving.port}/")
        yield page
    assert problems == []


def _names(page: Page) -> list[str]:
    """The names of the accounts that are visible, in their order."""
    return page.locator("details:visible summary span:first-child b").all_inner_texts()


def _shares(page: Page) -> list[float]:
    texts = page.locator("details summary span:last-child b").all_inner_texts()
    return [float(text.removesuffix(" %")) for text in texts]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_axe_core_finds_nothing_to_improve(
    browser: Browser, serving: Exporter, scheme: str, width: int
) -> None:
    script = axe_core()
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"http://127.0.0.1:{serving.port}/")
    page.evaluate(script)
    result = page.evaluate("axe.run()")
    assert len(result["passes"]) > 10
    shown = [(v["id"], v["help"], v["nodes"][0]["html"]) for v in result["violations"]]
    assert shown == []


def test_a_phone_shows_the_page_without_horizontal_scrolling(page: Page) -> None:
    page.set_viewport_size({"width": PHONE, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    open_account = page.locator("details[open]").first
    assert open_account.evaluate("account => account.scrollWidth <= account.clientWidth")


def test_accounts_are_sorted_as_chosen_and_worst_first_at_the_beginning(page: Page) -> None:
    shares = _shares(page)
    assert shares == sorted(shares)
    page.get_by_label("Order").select_option("best first")
    assert _shares(page) == shares[::-1]
    page.get_by_label("Order").select_option("name")
    assert _names(page)[:3] == ["team-checkout-1", "team-checkout-6", "team-checkout-11"]
    page.get_by_label("Order").select_option("unread regions first")
    assert {name.rpartition("-")[2] for name in _names(page)[:3]} == {"9", "10", "11"}


def test_the_filter_shows_the_accounts_that_contain_every_word(page: Page) -> None:
    page.get_by_label("Filter").fill("CHECKOUT access_denied")
    assert _names(page) == ["team-checkout-11"]
    expect(page.locator("#shown")).to_have_text("1 of 12 accounts")
    page.get_by_label("Filter").fill("100000000006")
    assert _names(page) == ["team-checkout-6"]
    page.get_by_label("Filter").fill("")
    assert len(_names(page)) == 12


def publish_and_await(serving: Exporter, storage: Path, failed: int) -> None:
    """The page is reloaded once a minute of its clock, so what it loads must be served before."""
    fully_read = f"{12 - failed} of 12"
    assert fully_read not in serving.get("/").text
    publish(storage, status=large_scan(datetime.now(UTC), accounts=12, failed=failed))
    eventually(lambda: fully_read in serving.get("/").text)


def test_a_page_of_a_starting_exporter_shows_the_first_snapshot_within_seconds(
    browser: Browser, tmp_path: Path
) -> None:
    with run_in_thread(tmp_path) as exporter, browser.new_context() as context:
        page = context.new_page()
        page.clock.install()
        page.goto(f"http://127.0.0.1:{exporter.port}/")
        expect(page.locator(".verdict")).to_have_text("starting")
        publish_and_await(exporter, tmp_path, failed=5)
        page.clock.run_for("00:06")
        expect(page.locator(".verdict")).to_have_text("partial")


def test_a_reload_shows_new_numbers_and_keeps_what_is_open_focused_filtered_and_sorted(
    page: Page, serving: Exporter, tmp_path: Path
) -> None:
    page.get_by_label("Order").select_option("name")
    page.get_by_label("Filter").fill("checkout")
    page.locator("#a100000000011 summary").click()
    page.locator("#a100000000006 summary").click()
    opened = page.locator("#a100000000006 table")
    expect(opened).to_be_visible()
    kept = _names(page)
    publish_and_await(serving, tmp_path, failed=5)
    expect(page.get_by_text("9 of 12")).to_be_visible()
    page.clock.run_for(MINUTE)
    expect(page.get_by_text("7 of 12")).to_be_visible()
    assert _names(page) == kept
    expect(opened).to_be_visible()
    expect(page.locator("#a100000000011 table")).to_be_hidden()
    expect(page.locator("#a100000000006 summary")).to_be_focused()
    expect(page.get_by_label("Filter")).to_have_value("checkout")


def test_a_page_that_cannot_be_updated_says_so_until_it_can(page: Page) -> None:
    message = page.get_by_text(re.compile("This page could not be updated"))
    page.route("**/", lambda route: route.fulfill(status=503))
    page.clock.run_for(MINUTE)
    expect(message).to_be_visible()
    page.unroute("**/")
    page.clock.run_for(MINUTE)
    expect(message).to_be_hidden()
