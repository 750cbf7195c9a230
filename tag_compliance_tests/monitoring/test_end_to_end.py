"""The demo, scraped by a real Prometheus with the shipped files, alerts by a real Alertmanager."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tag_compliance_tests.monitoring.conftest import Live
from tag_compliance_tests.monitoring.running import eventually, get
from tag_compliance_tests.monitoring.shipped import recorded

# The account that trusts nobody, as `demo/organization.py` has it.
_BROKEN_ACCOUNT = "555555555555"


def test_every_target_is_up_and_every_sample_is_taken(live: Live) -> None:
    targets = live.prometheus.api("targets")["activeTargets"]
    assert [(t["health"], t["lastError"]) for t in targets] == [("up", "")]
    refused = "scrape_samples_scraped - scrape_samples_post_metric_relabeling"
    assert live.prometheus.value(refused) == 0
    assert (live.prometheus.value("scrape_samples_scraped") or 0) > 1_000


@pytest.mark.parametrize("name", recorded())
def test_every_recording_rule_gives_data(live: Live, name: str) -> None:
    assert eventually(lambda: live.prometheus.query(name))


def test_no_rule_fails(live: Live) -> None:
    groups = live.prometheus.api("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []


def test_the_organizations_share_comes_of_added_counts(live: Live) -> None:
    share = live.prometheus.value("organization:compliance:percentage")
    counts = "100 * sum(resources_fully_compliant_total) / sum(resources_scanned_total)"
    averaged = live.prometheus.value("avg(compliance_percentage)")
    assert share == pytest.approx(live.prometheus.value(counts))
    assert share != pytest.approx(averaged)


def test_the_broken_account_raises_its_alert_which_reaches_the_receiver(live: Live) -> None:
    def notified() -> dict[str, Any] | None:
        while not live.receiver.notifications.empty():
            for alert in live.receiver.notifications.get()["alerts"]:
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


def test_alertmanager_holds_just_the_alerts_that_the_demo_deserves(live: Live) -> None:
    """The sandbox and staging are below the target; completeness follows from the account."""

    def held() -> set[tuple[str, str, str]]:
        return {
            (
                alert["labels"]["alertname"].removeprefix("TagCompliance"),
                alert["labels"].get("account_name", ""),
                alert["status"]["state"],
            )
            for alert in json.loads(get(f"{live.alertmanager}/api/v2/alerts"))
        }

    expected = {
        ("AccountFailing", "acquired", "active"),
        ("ScanIncomplete", "", "suppressed"),
        ("BelowTarget", "data-platform", "active"),
        ("BelowTarget", "staging", "active"),
        ("BelowTarget", "sandbox", "active"),
    }
    eventually(lambda: held() >= expected)
    assert held() == expected
