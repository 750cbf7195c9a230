"""A real Prometheus scrapes the exporter, with and without TLS and credentials."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tag_compliance_tests.exporter.certificates import trusting, write_certificate
from tag_compliance_tests.exporter.conftest import Start
from tag_compliance_tests.exporter.running import eventually
from tag_compliance_tests.exporter.snapshots import publish
from tag_compliance_tests.system import require


class Prometheus:
    """Its HTTP API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/query?"

    def value(self, query: str) -> float | None:
        """The value of the only series that the query finds; None if there is not exactly one."""
        try:
            with urllib.request.urlopen(self._url + urllib.parse.urlencode({"query": query})) as r:
                found: list[dict[str, Any]] = json.load(r)["data"]["result"]
        except OSError:
            return None
        return float(found[0]["value"][1]) if len(found) == 1 else None


@contextlib.contextmanager
def _prometheus(folder: Path, target_port: int, **scrape: object) -> Iterator[Prometheus]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    job = {
        "job_name": "tag-compliance",
        "scrape_interval": "1s",
        "static_configs": [{"targets": [f"127.0.0.1:{target_port}"]}],
        **scrape,
    }
    config = folder / "prometheus.json"  # JSON is YAML
    config.write_text(json.dumps({"scrape_configs": [job]}))
    arguments = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    process = subprocess.Popen([require("prometheus"), *arguments])
    try:
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait()


def _assert_scraped(prometheus: Prometheus) -> None:
    """Every sample was stored: a rejected or duplicate series fails the scrape or is missing."""
    eventually(lambda: prometheus.value("up") == 1)
    eventually(lambda: prometheus.value("compliance_percentage") == 75)
    assert prometheus.value('compliance_percentage{account_name="shop",region="eu-west-1"}') == 75
    assert prometheus.value("tag_compliance_exporter_snapshot_loaded") == 1
    lost = "scrape_samples_scraped - scrape_samples_post_metric_relabeling"
    assert prometheus.value(lost) == 0
    assert (prometheus.value("scrape_samples_scraped") or 0) > 10


def test_prometheus_scrapes_the_exporter(start_process: Start, tmp_path: Path) -> None:
    publish(tmp_path / "storage")
    exporter = start_process(tmp_path / "storage")
    with _prometheus(tmp_path, exporter.port) as prometheus:
        _assert_scraped(prometheus)


def test_prometheus_scrapes_through_tls_with_a_bearer_token(
    start_process: Start, tmp_path: Path
) -> None:
    certificate, key = write_certificate(tmp_path)
    token = tmp_path / "token"
    token.write_text("open-sesame\n")
    publish(tmp_path / "storage")
    exporter = start_process(
        tmp_path / "storage",
        tls=trusting(certificate),
        tls_certificate=certificate,
        tls_key=key,
        bearer_token_file=token,
    )
    assert exporter.get("/metrics").status == 401
    access = {
        "scheme": "https",
        "tls_config": {"ca_file": str(certificate)},
        "authorization": {"credentials_file": str(token)},
    }
    with _prometheus(tmp_path, exporter.port, **access) as prometheus:
        _assert_scraped(prometheus)


def test_prometheus_scrapes_with_basic_auth(start_process: Start, tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("prometheus:secret\n")
    publish(tmp_path / "storage")
    exporter = start_process(tmp_path / "storage", basic_auth_file=users)
    access = {"basic_auth": {"username": "prometheus", "password": "secret"}}
    with _prometheus(tmp_path, exporter.port, **access) as prometheus:
        _assert_scraped(prometheus)
