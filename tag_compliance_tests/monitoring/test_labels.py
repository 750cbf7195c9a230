"""The labels of the exporter's samples remain, whatever labels a target has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tag_compliance_tests.exporter.running import run_in_thread
from tag_compliance_tests.monitoring.shipped import ROOT, load
from tag_compliance_tests.support.prometheus import running_prometheus
from tag_compliance_tests.support.snapshots import publish
from tag_compliance_tests.support.waiting import eventually

_MONITOR = ROOT / "k8s/components/servicemonitor/servicemonitor.yaml"


def _of_the_service_monitor() -> bool:
    shape: Any = yaml.safe_load(_MONITOR.read_text(encoding="utf-8"))
    (endpoint,) = shape["spec"]["endpoints"]
    honored: bool = endpoint["honorLabels"]
    return honored


def _of_the_scrape_configuration() -> bool:
    (job,) = load("prometheus.yaml")["scrape_configs"]
    honored: bool = job["honor_labels"]
    return honored


def _regions(folder: Path, *, honored: bool) -> list[dict[str, str]]:
    """The labels about regions that Prometheus stores for a target with a label `region`."""
    publish(folder / "storage")
    with run_in_thread(folder / "storage") as exporter:
        job = {
            "job_name": "tag-compliance",
            "scrape_interval": "1s",
            "honor_labels": honored,
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{exporter.port}"],
                    "labels": {"region": "of-the-cluster"},
                }
            ],
        }
        config = folder / "prometheus.json"  # JSON is YAML
        config.write_text(json.dumps({"scrape_configs": [job]}), encoding="utf-8")
        with running_prometheus(config) as prometheus:
            found = eventually(lambda: prometheus.query("compliance_percentage"))
    return [{k: v for k, v in s["metric"].items() if k.endswith("region")} for s in found]


@pytest.mark.parametrize(
    "honored",
    [_of_the_service_monitor(), _of_the_scrape_configuration()],
    ids=["ServiceMonitor", "prometheus.yaml"],
)
def test_the_region_of_a_sample_is_the_one_of_the_exporter(tmp_path: Path, honored: bool) -> None:
    assert _regions(tmp_path, honored=honored) == [{"region": "eu-west-1"}]


def test_without_honored_labels_prometheus_renames_the_region_of_the_exporter(
    tmp_path: Path,
) -> None:
    """The reason for the setting."""
    renamed = {"region": "of-the-cluster", "exported_region": "eu-west-1"}
    assert _regions(tmp_path, honored=False) == [renamed]
