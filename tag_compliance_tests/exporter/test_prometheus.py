"""A real Prometheus scrapes the exporter, with and without TLS and credentials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tag_compliance_tests.exporter.certificates import write_certificate
from tag_compliance_tests.exporter.conftest import Start
from tag_compliance_tests.support.prometheus import running_prometheus
from tag_compliance_tests.support.snapshots import publish
from tag_compliance_tests.support.waiting import eventually


@pytest.mark.parametrize("access", ["open", "tls and bearer token", "basic auth"])
def test_prometheus_scrapes_the_exporter_and_stores_every_sample(
    start_process: Start, tmp_path: Path, access: str
) -> None:
    certificate, key = write_certificate(tmp_path)
    token, users = tmp_path / "token", tmp_path / "users"
    token.write_text("open-sesame\n")
    users.write_text("prometheus:secret\n")
    publish(tmp_path / "storage")
    scrape: dict[str, object] = {}
    settings: dict[str, Path] = {}
    if access == "tls and bearer token":
        settings = {"tls_certificate": certificate, "tls_key": key, "bearer_token_file": token}
        scrape = {
            "scheme": "https",
            "tls_config": {"ca_file": str(certificate)},
            "authorization": {"credentials_file": str(token)},
        }
    elif access == "basic auth":
        settings = {"basic_auth_file": users}
        scrape = {"basic_auth": {"username": "prometheus", "password": "secret"}}
    exporter = start_process(tmp_path / "storage", **settings)
    job = {
        "job_name": "tag-compliance",
        "scrape_interval": "1s",
        "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}],
        **scrape,
    }
    config = tmp_path / "prometheus.json"  # JSON is YAML
    config.write_text(json.dumps({"scrape_configs": [job]}))
    with running_prometheus(config) as prometheus:
        eventually(lambda: prometheus.value("up") == 1)
        series = 'compliance_percentage{account_name="shop",region="eu-west-1"}'
        eventually(lambda: prometheus.value(series) == 75)
        assert prometheus.value("tag_compliance_exporter_snapshot_loaded") == 1
        lost = "scrape_samples_scraped - scrape_samples_post_metric_relabeling"
        assert prometheus.value(lost) == 0
        assert (prometheus.value("scrape_samples_scraped") or 0) > 10
