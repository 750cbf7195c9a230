"""The documentation names objects, panels and rules that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tag_compliance_tests.deploy.components import copied, render_with_all_components
from tag_compliance_tests.deploy.manifests import ROOT, render
from tag_compliance_tests.monitoring.shipped import RECORDED


def _text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_migration_page_names_every_object_that_the_manifests_create(tmp_path: Path) -> None:
    created = {
        (o["kind"], re.sub(r"-[a-z0-9]{10}$", "-<hash>", o["metadata"]["name"]))
        if o["kind"] == "ConfigMap" and o["metadata"]["name"] != "tag-compliance-dashboards"
        else (o["kind"], o["metadata"]["name"])
        for o in render_with_all_components(tmp_path).objects
    }
    section = _text_of("migration.md").partition("## Kubernetes")[2].partition("\n## ")[0]
    documented = {
        (kind, name)
        for kinds, names in re.findall(r"^\| ([\w, ]+) \| (`.+) \|$", section, re.MULTILINE)
        for kind in kinds.split(", ")
        for name in re.findall(r"`([^`]+)`", names)
    }
    assert documented == created


def test_the_overlay_accepts_the_documented_components(tmp_path: Path) -> None:
    [documented] = re.findall(r"`(components: \[[^]]+\])`", _text_of("kubernetes.md"))
    overlay = copied(tmp_path) / "overlays" / "scale-out"
    with (overlay / "kustomization.yaml").open("a", encoding="utf-8") as file:
        file.write(f"\n{documented}\n")
    rendered = render(overlay)
    assert {"ServiceMonitor", "PrometheusRule"} <= {o["kind"] for o in rendered.objects}
    assert rendered.get("ConfigMap", "tag-compliance-dashboards")


def test_every_panel_that_the_page_about_numbers_names_exists() -> None:
    shapes = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (ROOT / "monitoring" / "dashboards").glob("*.json")
    ]
    panels = {
        s["title"].removeprefix("Tag compliance: "): {p["title"] for p in s["panels"]}
        for s in shapes
    }
    section = _text_of("numbers.md").partition("## Which dashboard")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| .+\? \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert {name.removeprefix("Tag compliance: ") for name, _ in rows} == panels.keys()
    for name, titles in rows:
        assert set(titles.split(", ")) <= panels[name.removeprefix("Tag compliance: ")]


@pytest.mark.parametrize("page", ["numbers.md", "operations.md"])
def test_every_recorded_series_that_a_page_names_exists(page: str) -> None:
    named = set(re.findall(r"\b(?:account|region|organization):[a-z_]+:[a-z]+", _text_of(page)))
    assert named
    assert named <= set(RECORDED)
