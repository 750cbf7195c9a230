#!/usr/bin/env python3
"""Takes the screenshots of `docs/images` from a running demo.

.venv/bin/python scripts/screenshots.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tag_compliance.simulator.demo.organization import describe_demo
from tag_compliance_tests.browser.running import (
    Demo,
    open_check,
    open_lineage,
    open_partitions,
    open_plots,
    open_status,
    running_browser,
    running_demo,
)

IMAGES = Path(__file__).parents[1] / "docs" / "images"
# The screenshots are taken between two scans: during a scan the UI shows only its progress.
SECONDS_BETWEEN_SCANS = 40
SCANS = 4


def main() -> None:
    account = next(a.account_id for a in describe_demo().accounts if a.trusts_scanner)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_demo(Path(folder), SECONDS_BETWEEN_SCANS) as demo,
        running_browser() as browser,
    ):
        demo.await_scans(SCANS)
        page = browser.new_page(viewport={"width": 1880, "height": 620})
        open_lineage(page, demo)
        # Without the navigation, the graph is large enough for its kinds and checks to be read.
        page.get_by_text("Hide navigation").click()
        page.wait_for_timeout(1_500)
        take(page, "lineage")
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        open_partitions(page, demo, account)
        take(page, "partitions")
        demo.await_scans(1)
        page = browser.new_page(viewport={"width": 1720, "height": 900})
        open_check(page, demo, "every_account_read")
        page.get_by_text("every_account_read").first.click()
        expect(page.get_by_text("In Progress").first).to_be_hidden(timeout=60_000)
        take(page, "checks")
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        open_plots(page, demo)
        page.locator("canvas").nth(2).scroll_into_view_if_needed()
        take(page, "plot")
        take_findings(browser, demo)
        for scheme in ("light", "dark"):
            status = browser.new_page(viewport={"width": 1100, "height": 1150}, color_scheme=scheme)
            open_status(status, demo)
            take(status, f"status-{scheme}")


def take_findings(browser: Browser, demo: Demo) -> None:
    """The pages of findings."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{demo.exporter}/findings?rule=required-tag-CostCenter&region=eu-west-1")
    take(page, "findings")
    page.locator("tbody th a code").first.click()
    page.set_viewport_size({"width": 1280, "height": 1000})
    take(page, "resource")
    page = browser.new_page(viewport={"width": 1100, "height": 620})
    page.goto(f"{demo.exporter}/owners")
    take(page, "owners")


def take(page: Page, name: str) -> None:
    page.wait_for_timeout(1_500)  # fonts and transitions
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
