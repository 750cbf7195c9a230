"""The pages that a person looks at first, each opened and waited for until it shows something."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tag_compliance_tests.browser.running import Demo

ASSETS = ("scan_config", "raw_resources", "compliance_results", "metric_snapshot")
_PATIENCE = 60_000


def open_lineage(page: Page, demo: Demo) -> None:
    """All four assets, their details legible."""
    page.goto(f"{demo.ui}/asset-groups")
    for asset in ASSETS:
        expect(page.get_by_text(asset, exact=True).last).to_be_visible(timeout=_PATIENCE)


def open_partitions(page: Page, demo: Demo, partition: str) -> None:
    """Of `raw_resources`, with what was read of one account."""
    page.goto(f"{demo.ui}/assets/raw_resources?view=partitions&partition={partition}")
    expect(page.get_by_text("Partitions Selected")).to_be_visible(timeout=_PATIENCE)
    expect(page.get_by_text("account_name").first).to_be_visible(timeout=_PATIENCE)


def scan_again(page: Page) -> None:
    """The account whose partition is open."""
    page.get_by_role("button", name="Materialize…").first.click()
    page.get_by_text("Launch 1 run").click(timeout=_PATIENCE)


def open_plots(page: Page, demo: Demo) -> None:
    """The numbers of `metric_snapshot` over time."""
    page.goto(f"{demo.ui}/assets/metric_snapshot")
    page.get_by_text("Plots", exact=True).click(timeout=_PATIENCE)
    expect(page.locator("canvas").first).to_be_visible(timeout=_PATIENCE)


def open_check(page: Page, demo: Demo, check: str) -> None:
    """One of the checks of `compliance_results`, with its latest answer."""
    page.goto(f"{demo.ui}/assets/compliance_results?view=checks&checkDetail={check}")
    expect(page.get_by_text("Latest execution")).to_be_visible(timeout=_PATIENCE)


def open_status(page: Page, demo: Demo) -> None:
    """The exporter's page for a person."""
    page.goto(f"{demo.exporter}/")
    expect(page.get_by_text("us-east-1").first).to_be_visible(timeout=_PATIENCE)
