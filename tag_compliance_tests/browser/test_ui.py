"""A real browser shows `tag-compliance demo --up`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tag_compliance.simulator.demo.organization import describe_demo
from tag_compliance_tests.browser.pages import (
    ASSETS,
    open_check,
    open_lineage,
    open_partitions,
    open_plots,
    open_status,
    scan_again,
)
from tag_compliance_tests.browser.running import Demo, running_browser, running_demo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with running_browser() as browser:
        yield browser.new_page(viewport={"width": 1440, "height": 900})


@pytest.fixture(scope="module")
def demo(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """With a scan every ten minutes, so that the second is the one that a test starts."""
    with running_demo(tmp_path_factory.mktemp("demo"), seconds=600) as demo:
        yield demo


@dataclass(frozen=True)
class Rescan:
    """A scan of one account that two clicks started; `before` is when the one before was made."""

    account_id: str
    before: float


@pytest.fixture(scope="module")
def rescan(page: Page, demo: Demo) -> Rescan:
    good = next(account for account in describe_demo().accounts if account.trusts_scanner)
    open_partitions(page, demo, good.account_id)
    before = demo.snapshot_made()
    assert before is not None
    scan_again(page)
    demo.await_scans(1)
    return Rescan(good.account_id, before)


def test_the_lineage_shows_the_four_assets(page: Page, demo: Demo, tmp_path: Path) -> None:
    open_lineage(page, demo)
    text = page.inner_text("body")
    assert [asset for asset in ASSETS if asset not in text] == []
    page.screenshot(path=tmp_path / "lineage.png")


def test_each_account_has_a_partition_with_the_metadata_of_its_scan(
    page: Page, demo: Demo, tmp_path: Path
) -> None:
    good = next(account for account in describe_demo().accounts if account.trusts_scanner)
    open_partitions(page, demo, good.account_id)
    for account in describe_demo().accounts:
        expect(page.get_by_text(account.account_id).first).to_be_visible()
    for label in ("api_calls", "compliance_percentage", "violations", "duration_seconds"):
        expect(page.get_by_text(label).first).to_be_visible()
    page.screenshot(path=tmp_path / "partitions.png")


def test_the_failed_account_and_the_failed_check_are_shown_as_failed(
    page: Page, demo: Demo
) -> None:
    broken = next(account for account in describe_demo().accounts if not account.trusts_scanner)
    open_partitions(page, demo, broken.account_id)
    expect(page.get_by_text("failed: assume_role_denied")).to_be_visible()
    open_check(page, demo, "every_account_read")
    expect(page.get_by_text("Every configured account was read").first).to_be_visible()


@pytest.mark.usefixtures("rescan")
def test_the_metadata_of_the_snapshots_is_plotted_over_time(
    page: Page, demo: Demo, tmp_path: Path
) -> None:
    open_plots(page, demo)
    for label in ("compliance_percentage", "counted", "samples", "duration_seconds"):
        expect(page.get_by_text(label, exact=True).first).to_be_visible()
    assert page.locator("canvas").count() >= 5
    page.screenshot(path=tmp_path / "plots.png")


def test_the_status_page_of_the_exporter_shows_every_account(page: Page, demo: Demo) -> None:
    open_status(page, demo)
    for account in describe_demo().accounts:
        expect(page.get_by_text(account.account_id).first).to_be_visible()


def test_two_clicks_scan_one_account_again_and_publish_the_result(
    demo: Demo, rescan: Rescan
) -> None:
    scanned = demo.last_success_of_accounts()
    assert [account for account, at in scanned.items() if at > rescan.before] == [rescan.account_id]
