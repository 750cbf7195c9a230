"""A real Prometheus scrapes the exporter, with and without TLS and credentials."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from tag_compliance_tests.exporter.certificates import trusting, write_certificate
from tag_compliance_tests.exporter.conftest import Start
from tag_compliance_tests.support.prometheus import Prometheus, running_prometheus
from tag_compliance_tests.support.snapshots import publish
from tag_compliance_tests.support.waiting import eventually


@contextlib.contextmanager
def _prometheus(folder: Path, target_port: int, **scrape: object) -> Iterator[Prometheus]:
    job = {
        "job_name": "tag-compliance",
        "scrape_interval": "1s",
        "static_configs": [{"targets": [f"127.0.0.1:{target_port}"]}],
        **scrape,
    }
    config = folder / "prometheus.json"  # JSON is YAML
    config.write_text(json.dumps({"scrape_configs": [job]}))
    with running_prometheus(config) as prometheus:
        yield prometheus


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
