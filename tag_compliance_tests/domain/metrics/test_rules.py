"""The metrics of the policy: counts of rules, compliance, waivers, and their common limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.metrics import RULE_METRICS, build_families
from tag_compliance.domain.metrics.detail import detail_of
from tag_compliance.domain.metrics.rule_series import choose_series
from tag_compliance.domain.metrics.table import ScanResult, text_label
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.snapshot.exposition import render
from tag_compliance_tests.domain.naive import Samples
from tag_compliance_tests.domain.organizations import (
    INFO,
    NOON,
    evaluated,
    inventory,
    parsed,
    region_read,
    summary_of,
)
from tag_compliance_tests.domain.policies import TODAY, policy, waiver

_EU = "eu-west-1"
_ARN = "arn:aws:ec2:eu-west-1:111122223333:vpc/"
_RULES = [
    {"id": "owner", "tag": "Owner", "required": True, "severity": "high", "title": "T" * 200},
    {"id": "env", "tag": "Env", "values": ["prod"], "when": {"tags": {"Owner": ["*"]}}},
]
_ACCOUNT = inventory(
    (_EU, _ARN + "a", {"Owner": "me", "Env": "dev"}),
    (_EU, _ARN + "b", {}),
    (_EU, _ARN + "c", {}),
)


def _samples(chosen: Policy, *accounts: AccountInventory, limit: int | None = None) -> Samples:
    evaluations = [evaluated(account, chosen) for account in accounts]
    summary = summary_of(evaluations, chosen)
    findings = {e.account_id: e.findings for e in evaluations}
    detail = detail_of(summary, chosen.required_rule_ids, findings.__getitem__, None)
    statuses = tuple(e.status for e in evaluations)
    rules = choose_series(summary, chosen, NOON.date(), limit)
    scan = ScanResult(summary, statuses, detail, INFO, Thresholds(), rules)
    return parsed(render(build_families(scan)))


def _of(samples: Samples, name: str, *labels: str) -> dict[Any, float]:
    """The samples of a metric by the values of some labels."""
    return {
        tuple(dict(found)[label] for label in labels): value
        for (own, found), value in samples.items()
        if own == f"tag_compliance_{name}"
    }


def test_a_violation_is_open_or_waived_and_both_are_evaluated() -> None:
    chosen = policy(_RULES, [waiver(match={"arns": ["*/b"]})])
    samples = _samples(chosen, _ACCOUNT)
    by_rule = ("rule", "severity")
    owner, env = ("owner", "high"), ("env", "medium")
    assert _of(samples, "rule_evaluated_resources", *by_rule) == {owner: 3, env: 1}
    assert _of(samples, "rule_violations", *by_rule) == {owner: 1, env: 1}
    assert _of(samples, "rule_waived_resources", *by_rule) == {owner: 1, env: 0}
    assert _of(samples, "rule_exempted_by_tag_resources", *by_rule) == {env: 2}
    assert _of(samples, "policy_evaluated_resources", "region") == {(_EU,): 3}
    compliant = {("honoured",): 1, ("ignored",): 0}
    assert _of(samples, "policy_compliant_resources", "waivers") == compliant
    percentages = {("honoured",): pytest.approx(100 / 3), ("ignored",): 0}
    assert _of(samples, "policy_compliance_percentage", "waivers") == percentages


def test_without_counted_resources_zeros_are_published_and_no_percentage() -> None:
    samples = _samples(policy(_RULES), inventory(regions=[_EU]))
    assert _of(samples, "rule_violations", "rule") == {("owner",): 0, ("env",): 0}
    assert _of(samples, "policy_evaluated_resources", "region") == {(_EU,): 0}
    assert _of(samples, "policy_compliance_percentage") == {}
    assert _of(samples, "waivers", "state") == {("active",): 0, ("expired",): 0}


def test_a_waiver_has_its_end_its_findings_and_its_state() -> None:
    waivers = [
        waiver("past", expires=TODAY - timedelta(days=1), ticket="T-1"),
        waiver("now", expires=TODAY, match={"arns": ["*/a", "*/b"]}),
        waiver("idle", rules=["nothing"]),
    ]
    samples = _samples(policy(_RULES, waivers), _ACCOUNT)
    assert _of(samples, "waivers", "state") == {("active",): 2, ("expired",): 1}
    findings = {("past",): 0, ("now",): 2, ("idle",): 0}
    assert _of(samples, "waiver_findings", "waiver") == findings
    ends = _of(samples, "waiver_expires_timestamp_seconds", "waiver")
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC).timestamp()
    assert (ends["past",], ends["now",]) == (midnight, midnight + 86_400)
    infos = _of(samples, "waiver_info", "waiver", "owner", "ticket")
    assert ("past", "team:shop", "T-1") in infos
    assert ("now", "team:shop", "(none)") in infos
    assert _of(samples, "unused_waivers") == {(): 1}


@pytest.mark.parametrize(
    ("match", "known"),
    [
        ({"accounts": ["*"]}, False),
        ({"regions": ["us-*"]}, False),
        ({"regions": ["eu-*"]}, True),
        ({"accounts": ["999999999999"]}, True),
    ],
)
def test_unused_waivers_are_known_only_if_all_that_they_could_match_was_read(
    match: dict[str, Any], known: bool
) -> None:
    regions = (region_read(_EU), region_read("us-east-1", Reason.THROTTLED))
    account = inventory((_EU, _ARN + "a", {}), regions=regions)
    samples = _samples(policy(_RULES, [waiver(match=match)]), account)
    assert (_of(samples, "unused_waivers") != {}) == known


def test_a_long_title_is_cut_and_an_empty_text_is_none() -> None:
    [(title,), *_] = _of(_samples(policy(_RULES), _ACCOUNT), "rule_info", "title")
    assert len(title) == 120
    assert text_label("") == "(none)"


@pytest.mark.parametrize("limit", [1, 2, 5, 12, 20, 40, 1_000])
def test_all_families_together_have_at_most_the_limit_and_what_is_left_out_is_counted(
    limit: int,
) -> None:
    chosen = policy(_RULES, [waiver("a"), waiver("b")])
    other = inventory((_EU, "arn:other", {}), account_id="222233334444")
    full = _samples(chosen, _ACCOUNT, other)
    limited = _samples(chosen, _ACCOUNT, other, limit=limit)
    names = {metric.name for metric in RULE_METRICS}
    limited_names = names - {"tag_compliance_waivers", "tag_compliance_unused_waivers"}

    def series(samples: Samples) -> int:
        return sum(name in limited_names for name, _ in samples)

    assert series(limited) <= limit
    omitted = _of(limited, "series_omitted", "family")
    left_out = sum(value for (family,), value in omitted.items() if family in names)
    assert left_out == series(full) - series(limited)
    assert {key for key in limited if key[0] in names} <= full.keys()


def test_without_a_required_tag_no_percentage_of_required_tags_is_published() -> None:
    samples = _samples(policy(_RULES), _ACCOUNT)
    names = {name for name, _ in samples}
    assert "resources_scanned_total" in names
    assert not {name for name in names if "percentage" in name and not name.startswith("tag_compl")}
