"""A real browser shows `tag-compliance demo --up`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tag_compliance.simulator.demo.organization import describe_demo
from tag_compliance_tests.browser import running
from tag_compliance_tests.browser.running import ASSETS, Demo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with running.running_browser() as browser:
        yield browser.new_page(viewport={"width": 1440, "height": 900})


@pytest.fixture(scope="module")
def demo(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """With a scan per day, so that the second is the one that a test starts."""
    with running.running_demo(tmp_path_factory.mktemp("demo"), seconds=86_400) as demo:
        yield demo


ACCOUNTS = describe_demo().accounts
GOOD, BROKEN = (
    next(a.account_id for a in ACCOUNTS if a.trusts_scanner is trusts) for trusts in (True, False)
)


@pytest.fixture(scope="module")
def scanned_before(page: Page, demo: Demo) -> float:
    """Two clicks scan an account again; returns when the snapshot before was made."""
    running.open_partitions(page, demo, GOOD)
    before = demo.snapshot_made()
    assert before is not None
    running.scan_again(page)
    demo.await_scans(1)
    return before


def test_the_lineage_shows_the_four_assets(page: Page, demo: Demo) -> None:
    running.open_lineage(page, demo)
    text = page.inner_text("body")
    assert [asset for asset in ASSETS if asset not in text] == []


def test_each_account_has_a_partition_with_the_metadata_of_its_scan(page: Page, demo: Demo) -> None:
    running.open_partitions(page, demo, GOOD)
    for account in ACCOUNTS:
        expect(page.get_by_text(account.account_id).first).to_be_visible()
    for label in ("resources", "compliance_percentage", "violations"):
        expect(page.get_by_text(label).first).to_be_visible()


def test_the_failed_account_and_the_failed_check_are_shown_as_failed(
    page: Page, demo: Demo
) -> None:
    running.open_partitions(page, demo, BROKEN)
    expect(page.get_by_text("Failed (1)").first).to_be_visible()
    running.open_check(page, demo, "every_account_read")
    expect(page.get_by_text("Every configured account was read").first).to_be_visible()


@pytest.mark.usefixtures("scanned_before")
def test_the_metadata_of_the_snapshots_is_plotted_over_time(page: Page, demo: Demo) -> None:
    running.open_plots(page, demo)
    for label in ("compliance_percentage", "counted", "samples", "duration_seconds"):
        expect(page.get_by_text(label, exact=True).first).to_be_visible()
    assert page.locator("canvas").count() >= 5


def test_the_status_page_of_the_exporter_shows_every_account(page: Page, demo: Demo) -> None:
    running.open_status(page, demo)
    for account in ACCOUNTS:
        expect(page.get_by_text(account.account_id).first).to_be_visible()


def test_two_clicks_scan_one_account_again_and_publish_the_result(
    demo: Demo, scanned_before: float
) -> None:
    scanned = demo.last_success_of_accounts()
    assert [account for account, at in scanned.items() if at > scanned_before] == [GOOD]
