"""`docker compose up`: the demo with Prometheus and Grafana. Validated, not run: no Docker here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tag_compliance_tests.cli.commands import parsed
from tag_compliance_tests.deploy.manifests import ROOT
from tag_compliance_tests.support.system import require

_COMPOSE = ROOT / "compose.yaml"


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _services() -> dict[str, Any]:
    services: dict[str, Any] = _load(_COMPOSE)["services"]
    return services


def _mounts(service: str) -> dict[str, Path]:
    """The mounted files and folders of the repository, by their path in the container."""
    volumes = [volume.split(":") for volume in _services()[service]["volumes"]]
    assert all(mode == "ro" for _, _, mode in volumes)
    return {target: ROOT / source for source, target, _ in volumes}


def test_the_file_matches_the_schema_of_the_compose_specification() -> None:
    program = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent))
    assert program
    command = [program, "--builtin-schema", "vendor.compose-spec", str(_COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_demo_is_built_from_a_target_of_the_dockerfile_and_runs_a_command_of_the_program() -> (
    None
):
    demo = _services()["demo"]
    dockerfile = (ROOT / demo["build"]["context"] / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(rf"^FROM \S+ AS {demo['build']['target']}$", dockerfile, re.MULTILINE)
    context = parsed(*demo["command"])
    assert context.info_name == "demo"
    assert context.params["up"] is True


def test_every_port_is_published_on_loopback_only_and_once() -> None:
    published = [port.split(":") for s in _services().values() for port in s["ports"]]
    assert {address for address, _, _ in published} == {"127.0.0.1"}
    hosts = [host for _, host, _ in published]
    assert len(hosts) == len(set(hosts))
    of_demo = {
        container for _, _, container in (p.split(":") for p in _services()["demo"]["ports"])
    }
    defaults = parsed("up").params
    assert of_demo == {str(defaults["port"]), str(defaults["ui_port"])}


@pytest.mark.parametrize("service", ["prometheus", "grafana"])
def test_every_mounted_file_exists(service: str) -> None:
    assert all(path.exists() for path in _mounts(service).values())


def test_images_are_pinned_by_version() -> None:
    pinned = [s["image"] for s in _services().values() if "build" not in s]
    assert all(re.fullmatch(r"[\w/]+:v?\d+\.\d+\.\d+", image) for image in pinned)


def test_prometheus_accepts_its_configuration_and_loads_every_alert_rule(tmp_path: Path) -> None:
    for target, source in _mounts("prometheus").items():
        shutil.copy(source, tmp_path / Path(target).name)
    config = tmp_path / "prometheus.yaml"
    assert "--config.file=/etc/prometheus/prometheus.yaml" in _services()["prometheus"]["command"]
    done = subprocess.run(
        [require("promtool"), "check", "config", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rules = [r for g in _load(ROOT / "monitoring/alerts.yaml")["groups"] for r in g["rules"]]
    assert f"{len(rules)} rules found" in done.stdout


def test_prometheus_scrapes_the_demo_under_the_job_name_of_the_shipped_configuration() -> None:
    (job,) = _load(ROOT / "monitoring/compose/prometheus.yaml")["scrape_configs"]
    (shipped,) = _load(ROOT / "monitoring/prometheus.yaml")["scrape_configs"]
    address = f"demo:{parsed('serve').params['port']}"
    assert job["static_configs"] == [{"targets": [address]}]
    assert (job["job_name"], job["honor_labels"]) == (shipped["job_name"], shipped["honor_labels"])


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    mounts = _mounts("grafana")
    provisioned = "/etc/grafana/provisioning"
    (source,) = _load(mounts[f"{provisioned}/datasources/prometheus.yaml"])["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert source["isDefault"] is True
    (provider,) = _load(mounts[f"{provisioned}/dashboards/tag-compliance.yaml"])["providers"]
    folder = mounts[provider["options"]["path"]]
    assert folder == ROOT / "monitoring/dashboards"
    home = Path(_services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    shown = json.loads((mounts[str(home.parent)] / home.name).read_text(encoding="utf-8"))
    assert shown["uid"] == "tag-compliance-organization"
