"""Runs `demo --up` and a browser, and opens the pages of the UI and the exporter in it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tag_compliance_tests.endurance.up import start_up
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.loopback import fetch
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.system import require
from tag_compliance_tests.support.waiting import eventually

ASSETS = ("scan_config", "raw_resources", "compliance_results", "metric_snapshot")
_TIMEOUT_MS = 60_000
_START_SECONDS = 180.0
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@dataclass(frozen=True)
class Demo:
    """The two addresses of `tag-compliance demo --up`."""

    ui: str
    exporter: str

    def snapshot_made(self) -> float | None:
        """Unix time of the snapshot that the exporter serves; None before the first."""
        return self._exposition().plain("tag_compliance_snapshot_timestamp_seconds")

    def last_success_of_accounts(self) -> dict[str, float]:
        """Unix time of the last successful read of each account, from the served snapshot."""
        name = "tag_compliance_account_last_success_timestamp_seconds"
        samples = self._exposition().samples
        return {s.labels["account_id"]: s.value for s in samples if s.name == name}

    def await_scans(self, number: int) -> None:
        """Waits until `number` new snapshots are served."""
        for _ in range(number):
            known = {None, self.snapshot_made()}
            eventually(lambda: self.snapshot_made() not in known, _START_SECONDS)  # noqa: B023 - called at once

    def _exposition(self) -> Exposition:
        """Empty while nothing is served."""
        return Exposition((fetch(f"{self.exporter}/metrics") or b"").decode())


@contextlib.contextmanager
def running_demo(folder: Path, seconds: int = 10) -> Iterator[Demo]:
    """`demo --up` on free ports, with a scan every `seconds`; waits for the first snapshot."""
    place = Place.create(folder / "place")
    with start_up(place, "--refresh-interval", str(seconds), command=("demo", "--up")) as up:
        demo = Demo(f"http://127.0.0.1:{up.ui_port}", f"http://127.0.0.1:{up.port}")
        eventually(lambda: up.has_snapshot, _START_SECONDS)
        eventually(lambda: fetch(f"{demo.ui}/server_info"), _START_SECONDS)
        yield demo
        up.process.send_signal(signal.SIGTERM)
        up.process.wait(_START_SECONDS)


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=require("chromium"), args=list(_ARGUMENTS)
        )
        try:
            yield browser
        finally:
            browser.close()


def open_lineage(page: Page, demo: Demo) -> None:
    """The lineage of all four assets, large enough to read their details."""
    page.goto(f"{demo.ui}/asset-groups")
    for asset in ASSETS:
        expect(page.get_by_text(asset, exact=True).last).to_be_visible(timeout=_TIMEOUT_MS)


def open_partitions(page: Page, demo: Demo, partition: str) -> None:
    """The partitions of `raw_resources`, with the metadata of one account."""
    page.goto(f"{demo.ui}/assets/raw_resources?view=partitions&partition={partition}")
    expect(page.get_by_text("Partitions Selected")).to_be_visible(timeout=_TIMEOUT_MS)
    expect(page.get_by_text("Failed (1)").first).to_be_visible(timeout=_TIMEOUT_MS)


def scan_again(page: Page) -> None:
    """Scans the account whose partition is open."""
    page.get_by_role("button", name="Materialize…").first.click()
    page.get_by_text("Launch 1 run").click(timeout=_TIMEOUT_MS)


def open_plots(page: Page, demo: Demo) -> None:
    """The plots of the metadata of `metric_snapshot` over time."""
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
