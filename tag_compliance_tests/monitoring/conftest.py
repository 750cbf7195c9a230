"""A scan in a file; and a demo that runs, scraped by Prometheus, which alerts Alertmanager."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tag_compliance.cli.declaration import ExitCode
from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.monitoring.receiver import Receiver, running_receiver
from tag_compliance_tests.monitoring.shipped import Json, load
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.forked import ForkServer
from tag_compliance_tests.support.loopback import fetch, free_port
from tag_compliance_tests.support.process import Place, running
from tag_compliance_tests.support.prometheus import Prometheus, running_prometheus
from tag_compliance_tests.support.system import require
from tag_compliance_tests.support.waiting import eventually


@dataclass(frozen=True)
class Live:
    """What runs."""

    prometheus: Prometheus
    alertmanager: str
    receiver: Receiver


@pytest.fixture(scope="session")
def exposition(tmp_path_factory: pytest.TempPathFactory, forks: ForkServer) -> Path:
    """What `scan --output` writes: the metrics of a scan, alone in their folder."""
    folder = tmp_path_factory.mktemp("textfile")
    path = folder / "textfile" / "tag_compliance.prom"
    path.parent.mkdir()
    organization = generate_organization(4, REGIONS, 200)
    denied, *_ = organization
    with FakeAws(organization) as fake:
        fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=denied.account_id)
        scanned = Place.create(folder / "place", fake, forks).run("scan", "--output", str(path))
    assert scanned.returncode == ExitCode.PARTIAL, scanned.stderr
    return path


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """`demo --up`, scraped, recorded and alerted on with the shipped files.

    They are changed in addresses and in times only: what takes minutes there takes seconds here.
    """
    alertmanager = require("prometheus-alertmanager")
    folder = tmp_path_factory.mktemp("live")
    ports = {name: free_port() for name in ("exporter", "ui", "alertmanager")}
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(running_receiver())
        _write(folder / "alerts.yaml", _at_once(load("alerts.yaml")))
        _write(folder / "alertmanager.yaml", _notifying(load("alertmanager.yaml"), receiver.url))
        _write(folder / "prometheus.yaml", _readdressed(load("prometheus.yaml"), ports))
        stack.enter_context(
            running(
                [
                    *(sys.executable, "-m", "tag_compliance", "demo", "--up"),
                    *("--host", "127.0.0.1", "--port", str(ports["exporter"])),
                    *("--ui-port", str(ports["ui"])),
                ],
                folder / "demo.log",
            )
        )
        stack.enter_context(
            running(
                [
                    alertmanager,
                    f"--config.file={folder / 'alertmanager.yaml'}",
                    f"--storage.path={folder / 'alertmanager'}",
                    f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
                    "--cluster.listen-address=",
                ],
                folder / "alertmanager.log",
            )
        )
        # Prometheus comes last: it first finds the exporter with its snapshot, as after a restart.
        eventually(lambda: fetch(f"http://127.0.0.1:{ports['exporter']}/ready"), 150)
        prometheus = stack.enter_context(running_prometheus(folder / "prometheus.yaml"))
        eventually(lambda: prometheus.query("organization:compliance:percentage"))
        yield Live(prometheus, f"http://127.0.0.1:{ports['alertmanager']}", receiver)


def _at_once(shape: Json) -> Json:
    for group in shape["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["for"] = "0s"
    return shape


def _notifying(shape: Json, url: str) -> Json:
    (webhook,) = shape["receivers"][0]["webhook_configs"]
    webhook["url"] = url
    for route in (shape["route"], *shape["route"]["routes"]):
        route["group_wait"] = "0s"
    return shape


def _readdressed(shape: Json, ports: dict[str, int]) -> Json:
    shape["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    shape["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [
        f"127.0.0.1:{ports['alertmanager']}"
    ]
    (job,) = shape["scrape_configs"]
    job["scrape_timeout"] = "1s"
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{ports['exporter']}"]
    return shape


def _write(path: Path, shape: Json) -> None:
    path.write_text(yaml.safe_dump(shape), encoding="utf-8")
