"""A real Prometheus scrapes the demo with the shipped files, and alerts a real Alertmanager."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tag_compliance_tests.monitoring.conftest import Live
from tag_compliance_tests.monitoring.shipped import RECORDED
from tag_compliance_tests.support.loopback import fetch
from tag_compliance_tests.support.waiting import eventually

pytestmark = pytest.mark.slow

# The account of the demo whose role cannot be assumed.
_BROKEN_ACCOUNT = "555555555555"


def test_prometheus_scrapes_the_exporter_and_accepts_every_sample(live: Live) -> None:
    targets = live.prometheus.api("targets")["activeTargets"]
    assert [(t["health"], t["lastError"]) for t in targets] == [("up", "")]
    rejected = "scrape_samples_scraped - scrape_samples_post_metric_relabeling"
    assert live.prometheus.value(rejected) == 0
    assert (live.prometheus.value("scrape_samples_scraped") or 0) > 1_000


@pytest.mark.parametrize("name", RECORDED)
def test_every_recording_rule_returns_data(live: Live, name: str) -> None:
    assert eventually(lambda: live.prometheus.query(name))


def test_prometheus_evaluates_every_rule_without_an_error(live: Live) -> None:
    groups = live.prometheus.api("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []


def test_the_percentage_of_the_organization_is_calculated_from_sums(live: Live) -> None:
    share = live.prometheus.value("organization:compliance:percentage")
    counts = "100 * sum(resources_fully_compliant_total) / sum(resources_scanned_total)"
    averaged = live.prometheus.value("avg(compliance_percentage)")
    assert share == pytest.approx(live.prometheus.value(counts))
    assert share != pytest.approx(averaged)


def test_the_alert_for_the_broken_account_reaches_the_receiver(live: Live) -> None:
    def notified() -> dict[str, Any] | None:
        while not live.notifications.empty():
            for alert in live.notifications.get()["alerts"]:
                if alert["labels"]["alertname"] == "TagComplianceAccountFailing":
                    found: dict[str, Any] = alert
                    return found
        return None

    alert = eventually(notified)
    assert alert["status"] == "firing"
    assert alert["labels"] == {
        "alertname": "TagComplianceAccountFailing",
        "severity": "warning",
        "job": "tag-compliance",
        "account_id": _BROKEN_ACCOUNT,
        "account_name": "acquired",
    }
    assert "(assume_role_denied)" in alert["annotations"]["description"]


def test_alertmanager_has_exactly_the_alerts_that_the_demo_causes(live: Live) -> None:
    """Three accounts are below the threshold, and one region has no index of Resource Explorer;
    the failed account suppresses the incomplete scan.
    """

    def held() -> set[tuple[str, str, str]]:
        return {
            (
                alert["labels"]["alertname"].removeprefix("TagCompliance"),
                alert["labels"].get("account_name", ""),
                alert["status"]["state"],
            )
            for alert in json.loads(fetch(f"{live.alertmanager}/api/v2/alerts") or b"[]")
        }

    expected = {
        ("AccountFailing", "acquired", "active"),
        ("ScanIncomplete", "", "suppressed"),
        ("SourceFailing", "sandbox", "active"),
        ("BelowTarget", "data-platform", "active"),
        ("BelowTarget", "staging", "active"),
        ("BelowTarget", "sandbox", "active"),
    }
    eventually(lambda: held() >= expected)
    assert held() == expected
