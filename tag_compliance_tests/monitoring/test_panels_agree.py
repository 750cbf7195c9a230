"""Panels show the numbers of the exposition, once for two replicas, and do not contradict."""

from __future__ import annotations

import re

import pytest

from tag_compliance_tests.monitoring.shipped import DASHBOARDS, panels
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.loopback import fetch
from tag_compliance_tests.support.prometheus import Prometheus

pytestmark = pytest.mark.slow

_RULES, _OWNERS, _HISTORY, _COVERAGE = "rules", "owners", "improvement", "coverage"
_PREFIX = "tag_compliance_"


@pytest.fixture(scope="module")
def exposition(governed: Prometheus) -> Exposition:
    """What one of the replicas serves."""
    targets = governed.api("targets")["activeTargets"]
    assert len(targets) == 2
    return Exposition((fetch(targets[0]["scrapeUrl"]) or b"").decode())


def _shown(prometheus: Prometheus, name: str, title: str, ref_id: str = "A") -> float:
    """The sum of what a query of a panel returns, with every variable at "All"."""
    [panel] = [p for p in panels(DASHBOARDS[name]) if p["title"] == title and "instant" in str(p)]
    [target] = [target for target in panel["targets"] if target["refId"] == ref_id]
    found = prometheus.query(re.sub(r"\$\w+", ".*", target["expr"]))
    assert found
    return sum(float(series["value"][1]) for series in found)


def _total(exposition: Exposition, name: str, **labels: str) -> float:
    wanted = labels.items()
    found = [s.value for s in exposition.samples if s.name == name and s.labels.items() >= wanted]
    assert found
    return sum(found)


@pytest.mark.parametrize(
    ("name", "title", "ref_id", "metric", "labels"),
    [
        (_RULES, "Violations", "A", "rule_violations", {}),
        (_RULES, "Rules", "A", "rule_evaluated_resources", {}),
        (_RULES, "Rules", "B", "rule_violations", {}),
        (_RULES, "Rules", "C", "rule_waived_resources", {}),
        (_RULES, "Waived", "A", "rule_waived_resources", {}),
        (_RULES, "Accounts with the most violations", "A", "rule_violations", {}),
        (_RULES, "Exempted by a tag", "A", "rule_exempted_by_tag_resources", {}),
        (_RULES, "Waivers", "B", "waiver_findings", {}),
        (_RULES, "Expired waivers", "A", "waivers", {"state": "expired"}),
        (_COVERAGE, "Sources by account and region", "A", "source_read", {}),
        (_COVERAGE, "Failing sources", "A", "source_failure", {}),
        (
            _COVERAGE,
            "Never-tagged resources by account and type",
            "A",
            "never_tagged_resources",
            {},
        ),
        (_COVERAGE, "Series that limits omit", "A", "series_omitted", {}),
        (_COVERAGE, "Accounts by state", "A", "discovered_accounts", {}),
        (_HISTORY, "Open findings", "A", "open_findings", {}),
        (_HISTORY, "Unseen findings by account", "A", "open_findings_unseen", {}),
        (_OWNERS, "Resources", "A", "owner_resources", {}),
        (_OWNERS, "Owners", "A", "owner_resources", {}),
        (_OWNERS, "Open findings by severity", "A", "owner_open_findings", {}),
        (_OWNERS, "Resources without an owner", "A", "owner_resources", {"owner": "(none)"}),
    ],
)
def test_a_panel_shows_the_sum_of_the_exposition(
    governed: Prometheus,
    exposition: Exposition,
    name: str,
    title: str,
    ref_id: str,
    metric: str,
    labels: dict[str, str],
) -> None:
    expected = _total(exposition, _PREFIX + metric, **labels)
    assert _shown(governed, name, title, ref_id) == expected > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((_COVERAGE, "Compliance"), ("organization", "Compliance")),
        ((_OWNERS, "Compliance"), ("organization", "Compliance")),
        ((_OWNERS, "Resources"), ("organization", "Resources")),
        ((_OWNERS, "Open findings"), (_RULES, "Violations")),
        ((_OWNERS, "Owners with the most open findings"), (_OWNERS, "Open findings")),
    ],
)
def test_panels_of_different_dashboards_show_the_same_number(
    governed: Prometheus, one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert _shown(governed, *one) == pytest.approx(_shown(governed, *other))


def test_the_history_has_the_findings_of_the_snapshot_and_those_that_were_not_seen(
    governed: Prometheus,
) -> None:
    unseen = _shown(governed, _HISTORY, "Unseen findings")
    assert unseen > 0
    assert _shown(governed, _HISTORY, "Open findings") == unseen + _shown(
        governed, _RULES, "Violations"
    )


def test_accounts_without_an_owner_are_counted_and_listed(governed: Prometheus) -> None:
    [panel] = [
        p for p in panels(DASHBOARDS[_COVERAGE]) if p["title"].startswith("List of the accounts")
    ]
    listed = governed.query(re.sub(r"\$\w+", ".*", panel["targets"][0]["expr"]))
    counted = _shown(governed, _COVERAGE, "Accounts without an owner")
    assert len(listed) == counted == _shown(governed, _COVERAGE, "Accounts scanned") - 1 == 4
