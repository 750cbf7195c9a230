"""Opens the pages of the UI and the exporter and waits until each shows its content."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tag_compliance_tests.browser.running import Demo

ASSETS = ("scan_config", "raw_resources", "compliance_results", "metric_snapshot")
_TIMEOUT_MS = 60_000


def open_lineage(page: Page, demo: Demo) -> None:
    """The lineage of all four assets, large enough to read their details."""
    page.goto(f"{demo.ui}/asset-groups")
    for asset in ASSETS:
        expect(page.get_by_text(asset, exact=True).last).to_be_visible(timeout=_TIMEOUT_MS)


def open_partitions(page: Page, demo: Demo, partition: str) -> None:
    """The partitions of `raw_resources`, with the metadata of one account."""
    page.goto(f"{demo.ui}/assets/raw_resources?view=partitions&partition={partition}")
    expect(page.get_by_text("Partitions Selected")).to_be_visible(timeout=_TIMEOUT_MS)
    expect(page.get_by_text("account_name").first).to_be_visible(timeout=_TIMEOUT_MS)


def scan_again(page: Page) -> None:
    """Scans the account whose partition is open."""
    page.get_by_role("button", name="Materialize…").first.click()
    page.get_by_text("Launch 1 run").click(timeout=_TIMEOUT_MS)


def open_plots(page: Page, demo: Demo) -> None:
    """The plots of the metadata of `metric_snapshot`."""
    page.goto(f"{demo.ui}/assets/metric_snapshot")
    page.get_by_text("Plots", exact=True).click(timeout=_TIMEOUT_MS)
    expect(page.locator("canvas").first).to_be_visible(timeout=_TIMEOUT_MS)


def open_check(page: Page, demo: Demo, check: str) -> None:
    """One asset check of `compliance_results`, with its latest result."""
    page.goto(f"{demo.ui}/assets/compliance_results?view=checks&checkDetail={check}")
    expect(page.get_by_text("Latest execution")).to_be_visible(timeout=_TIMEOUT_MS)


def open_status(page: Page, demo: Demo) -> None:
    """The status page of the exporter."""
    page.goto(f"{demo.exporter}/")
    expect(page.get_by_text("us-east-1").first).to_be_visible(timeout=_TIMEOUT_MS)
