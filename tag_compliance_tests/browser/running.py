"""Runs `demo --up` and a browser."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from prometheus_client.parser import text_string_to_metric_families

from tag_compliance_tests.cli.running import eventually
from tag_compliance_tests.ports import free_port
from tag_compliance_tests.system import require

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
        text = _get(self.exporter, "/metrics")
        for line in (text or "").splitlines():
            name, _, value = line.partition(" ")
            if name == "tag_compliance_snapshot_timestamp_seconds":
                return float(value)
        return None

    def last_success_of_accounts(self) -> dict[str, float]:
        """Unix time of the last successful read of each account, from the served snapshot."""
        name = "tag_compliance_account_last_success_timestamp_seconds"
        text = _get(self.exporter, "/metrics") or ""
        return {
            sample.labels["account_id"]: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        }

    def await_scans(self, number: int) -> None:
        """Waits until `number` new snapshots are served."""
        for _ in range(number):
            known = {None, self.snapshot_made()}
            eventually(lambda: self.snapshot_made() not in known, _START_SECONDS)  # noqa: B023 - called at once


@contextlib.contextmanager
def running_demo(folder: Path, seconds: int = 10) -> Iterator[Demo]:
    """`demo --up` on free ports, with a scan every `seconds`; waits for the first snapshot."""
    port, ui_port = free_port(), free_port()
    foreign = ("AWS_", "TAG_COMPLIANCE_", "DAGSTER")
    environment = {n: v for n, v in os.environ.items() if not n.startswith(foreign)}
    command = [
        *(sys.executable, "-m", "tag_compliance", "demo", "--up"),
        *("--refresh-interval", str(seconds)),
        *("--port", str(port), "--ui-port", str(ui_port), "--host", "127.0.0.1"),
    ]
    log = folder / "demo.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment, stdout=out, stderr=out, start_new_session=True
        )
        demo = Demo(f"http://127.0.0.1:{ui_port}", f"http://127.0.0.1:{port}")
        try:
            eventually(
                lambda: (
                    process.poll() is not None
                    or (
                        demo.snapshot_made() is not None
                        and _get(demo.ui, "/server_info") is not None
                    )
                ),
                _START_SECONDS,
            )
            assert process.poll() is None, log.read_text(errors="replace")[-4_000:]
            yield demo
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_START_SECONDS)


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


def _get(address: str, path: str) -> str | None:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
        return text if response.status == 200 else None
    return None
