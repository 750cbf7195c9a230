"""The alert rules: valid, tested, and based on metrics that exist."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from tag_compliance_tests.monitoring.shipped import (
    ALERTS,
    MONITORING,
    ROOT,
    RULES,
    load,
    unknown_metrics,
)
from tag_compliance_tests.support.system import require


@pytest.mark.parametrize(
    "command",
    [
        "promtool check rules --lint=all --lint-fatal alerts.yaml",
        "promtool check config prometheus.yaml",
        "promtool test rules alerts_test.yaml",
        "amtool check-config alertmanager.yaml",
    ],
)
def test_the_tools_of_prometheus_accept_every_file(command: str) -> None:
    program, *arguments = command.split()
    done = subprocess.run(
        [require(program), *arguments], cwd=MONITORING, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(name: str) -> None:
    tests = load("alerts_test.yaml")["tests"]
    cases = [case for test in tests for case in test.get("alert_rule_test", [])]
    fires = {bool(case.get("exp_alerts")) for case in cases if case["alertname"] == name}
    assert fires == {True, False}


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_severity_a_summary_a_description_and_a_runbook(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert re.fullmatch(rf"https://[^#]+#{name.lower()}", alert["annotations"]["runbook_url"])


@pytest.mark.parametrize("expr", [rule["expr"] for rule in RULES])
def test_every_rule_uses_metrics_that_exist(expr: str) -> None:
    assert unknown_metrics(expr) == set()


def test_the_manifest_for_the_prometheus_operator_has_the_same_rules() -> None:
    path = ROOT / "k8s/components/servicemonitor/prometheusrule.yaml"
    rule = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert (rule["apiVersion"], rule["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert rule["spec"] == load("alerts.yaml"), "run `make prometheusrule`"


def test_alertmanager_suppresses_only_alerts_that_exist() -> None:
    named = re.findall(r"TagCompliance[A-Za-z]+", str(load("alertmanager.yaml")["inhibit_rules"]))
    assert named
    assert set(named) <= set(ALERTS)
