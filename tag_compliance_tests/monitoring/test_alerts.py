"""The rules: valid, tested for each alert, documented, and speaking of metrics that exist."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from tag_compliance_tests.monitoring.running import MONITORING, ROOT
from tag_compliance_tests.monitoring.shipped import alerts, load, rules, unknown_metrics
from tag_compliance_tests.system import require


def _accepted(*command: str) -> None:
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_the_rules_and_the_example_configuration() -> None:
    promtool = require("promtool")
    _accepted(promtool, "check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml")
    _accepted(promtool, "check", "config", "prometheus.yaml")


def test_every_alert_is_silent_and_fires_as_its_cases_say() -> None:
    _accepted(require("promtool"), "test", "rules", "alerts_test.yaml")


def test_alertmanager_accepts_the_example_configuration() -> None:
    _accepted(require("amtool"), "check-config", "alertmanager.yaml")


@pytest.mark.parametrize("name", [*alerts()])
def test_every_alert_has_a_healthy_and_a_firing_case(name: str) -> None:
    cases = [
        case
        for test in load("alerts_test.yaml")["tests"]
        for case in test.get("alert_rule_test", [])
        if case["alertname"] == name
    ]
    assert any(case.get("exp_alerts") for case in cases)
    assert any(not case.get("exp_alerts") for case in cases)


@pytest.mark.parametrize("name", [*alerts()])
def test_every_alert_says_how_bad_what_and_what_to_do(name: str) -> None:
    alert = alerts()[name]
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"


@pytest.mark.parametrize("name", [*alerts()])
def test_every_alert_has_its_heading_in_the_runbook(name: str) -> None:
    runbook = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert re.search(rf"^#+ {name}$", runbook, re.MULTILINE)


@pytest.mark.parametrize("expr", [rule["expr"] for rule in rules()])
def test_every_rule_speaks_of_metrics_that_exist(expr: str) -> None:
    assert unknown_metrics(expr) == set()


def test_the_operators_rule_holds_the_same_groups() -> None:
    path = ROOT / "k8s/components/servicemonitor/prometheusrule.yaml"
    rule = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert (rule["apiVersion"], rule["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert rule["spec"] == load("alerts.yaml")


def test_alertmanager_holds_back_only_alerts_that_exist() -> None:
    named = re.findall(r"TagCompliance[A-Za-z]+", str(load("alertmanager.yaml")["inhibit_rules"]))
    assert named
    assert set(named) <= set(alerts())
