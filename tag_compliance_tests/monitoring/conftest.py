"""A demo that runs, scraped by Prometheus, which alerts Alertmanager."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import pytest
import yaml

from tag_compliance_tests.monitoring.governed import running_governed
from tag_compliance_tests.monitoring.shipped import Json, load
from tag_compliance_tests.support.loopback import Handler, fetch, free_port, serving
from tag_compliance_tests.support.process import PROGRAM, running
from tag_compliance_tests.support.prometheus import Prometheus, running_prometheus
from tag_compliance_tests.support.system import require
from tag_compliance_tests.support.waiting import eventually


@dataclass(frozen=True)
class Live:
    """What runs; `notifications` is what Alertmanager sent to a webhook."""

    prometheus: Prometheus
    alertmanager: str
    notifications: SimpleQueue[Json]


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """`demo --up`, scraped, recorded and alerted on with the shipped files."""
    command = [require("prometheus-alertmanager"), "--cluster.listen-address="]
    folder = tmp_path_factory.mktemp("live")
    port, ui_port, alertmanager = free_port(), free_port(), f"127.0.0.1:{free_port()}"
    with contextlib.ExitStack() as stack:
        webhook, notifications = stack.enter_context(_running_webhook())
        _write_settings(folder, f"127.0.0.1:{port}", alertmanager, webhook)
        options = ["--host", "127.0.0.1", "--port", str(port), "--ui-port", str(ui_port)]
        demo = [*PROGRAM, "demo", "--up", *options]
        stack.enter_context(running(demo, folder / "demo.log"))
        command += [
            f"--config.file={folder / 'alertmanager.yaml'}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={alertmanager}",
        ]
        stack.enter_context(running(command, folder / "alertmanager.log"))
        # Prometheus comes last: it first finds the exporter with its snapshot, as after a restart.
        eventually(lambda: fetch(f"http://127.0.0.1:{port}/ready"), 150)
        prometheus = stack.enter_context(running_prometheus(folder / "prometheus.yaml"))
        eventually(lambda: prometheus.query("organization:compliance:percentage"))
        yield Live(prometheus, f"http://{alertmanager}", notifications)


@pytest.fixture(scope="session")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with data for every panel."""
    require("prometheus")
    with running_governed(tmp_path_factory.mktemp("governed")) as prometheus:
        yield prometheus


@contextlib.contextmanager
def _running_webhook() -> Iterator[tuple[str, SimpleQueue[Json]]]:
    received: SimpleQueue[Json] = SimpleQueue()

    class Webhook(Handler):
        def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
            received.put(json.loads(self.body()))
            self.respond(200, {}, b"")

    with serving(Webhook) as url:
        yield f"{url}/alerts", received


def _write_settings(folder: Path, exporter: str, alertmanager: str, webhook: str) -> None:
    """The shipped files, with other addresses, and with seconds instead of minutes."""
    alerts, notifying, scraping = map(load, ("alerts.yaml", "alertmanager.yaml", "prometheus.yaml"))
    for group in alerts["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["for"] = "0s"
    [receiver] = notifying["receivers"][0]["webhook_configs"]
    receiver["url"] = webhook
    for route in (notifying["route"], *notifying["route"]["routes"]):
        route["group_wait"] = "0s"
    scraping["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    [alerting] = scraping["alerting"]["alertmanagers"]
    alerting["static_configs"][0]["targets"] = [alertmanager]
    [job] = scraping["scrape_configs"]
    job["scrape_timeout"] = "1s"
    job["static_configs"][0]["targets"] = [exporter]
    for name, content in (
        ("alerts", alerts),
        ("alertmanager", notifying),
        ("prometheus", scraping),
    ):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
