"""The dashboards as a ConfigMap for Grafana."""

from __future__ import annotations

import json
from pathlib import Path

import kubernetes_validate
import pytest

from tag_compliance_tests.deploy.components import render_with_all_components
from tag_compliance_tests.deploy.manifests import ROOT, Manifest

_MOST_BYTES = 262_144
"""What `kubectl apply` can store in its annotation with the last applied object."""


@pytest.fixture
def config_map(tmp_path: Path) -> Manifest:
    return render_with_all_components(tmp_path).get("ConfigMap", "tag-compliance-dashboards")


def test_the_config_map_contains_every_dashboard(config_map: Manifest) -> None:
    shipped = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (ROOT / "monitoring" / "dashboards").glob("*.json")
    }
    assert {name: json.loads(text) for name, text in config_map["data"].items()} == shipped


def test_the_config_map_is_valid_and_small_enough_for_kubectl_apply(config_map: Manifest) -> None:
    kubernetes_validate.validate(config_map, "1.34", strict=True)
    assert len(json.dumps(config_map)) < _MOST_BYTES


def test_the_sidecar_of_grafana_finds_the_config_map_under_a_fixed_name(
    config_map: Manifest,
) -> None:
    metadata = config_map["metadata"]
    assert metadata["name"] == "tag-compliance-dashboards"
    assert metadata["namespace"] == "tag-compliance"
    assert metadata["labels"]["grafana_dashboard"] == "1"
