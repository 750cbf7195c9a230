"""The metrics of the policy: its rules by region, and its waivers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from tag_compliance.domain.metrics.breakdown import REGION_LABELS
from tag_compliance.domain.metrics.table import (
    Metric,
    RuleSeries,
    Samples,
    ScanResult,
    samples_of_frame,
    samples_of_rows,
    text_label,
)
from tag_compliance.domain.summary import percentages
from tag_compliance.domain.unused_waivers import unused_waivers
from tag_compliance.domain.waivers import Waiver, WaiverState

_RULE = ("rule", "severity", *REGION_LABELS)
_HONOURED = {"honoured": "without_open_findings", "ignored": "without_findings"}


class _RuleInfo(NamedTuple):
    rule: str
    severity: str
    title: str


class _WaiverInfo(NamedTuple):
    waiver: str
    owner: str
    ticket: str


def _by_rule(
    name: str, help_: str, column: str, chosen: Callable[[RuleSeries], pd.DataFrame]
) -> Metric:
    def samples(scan: ScanResult) -> Samples:
        rows = chosen(scan.rules)
        kept = rows[rows["kept"]]
        found = samples_of_frame(kept, _RULE, kept[column])
        return replace(found, omitted=len(rows) - len(kept))

    return Metric(name, help_, _RULE, samples)


def _by_region(name: str, help_: str, column: str | None, *, as_percentage: bool = False) -> Metric:
    """`column` is the number; without one there are two, with waivers honoured and ignored."""
    labels = REGION_LABELS if column else (*REGION_LABELS, "waivers")

    def samples(scan: ScanResult) -> Samples:
        rows = scan.rules.regions
        if as_percentage:
            rows = rows[rows["counted"] > 0]
        if column is None:
            forms = [
                rows.assign(waivers=form, compliant=rows[own]) for form, own in _HONOURED.items()
            ]
            rows = pd.concat(forms, ignore_index=True)
        kept = rows[rows["kept"]]
        values = percentages(kept, "compliant", "counted") if as_percentage else None
        found = samples_of_frame(
            kept, labels, kept[column or "compliant"] if values is None else values
        )
        return replace(found, omitted=len(rows) - len(kept))

    return Metric(name, help_, labels, samples)


def _by_waiver(
    name: str,
    help_: str,
    labels: tuple[str, ...],
    row: Callable[[ScanResult, Waiver], tuple[tuple[str, ...], float]],
) -> Metric:
    def samples(scan: ScanResult) -> Samples:
        kept = scan.rules.waivers
        found = samples_of_rows(labels, (row(scan, waiver) for waiver in kept))
        return replace(found, omitted=len(scan.rules.policy.waivers) - len(kept))

    return Metric(name, help_, labels, samples)


def _info(scan: ScanResult) -> Samples:
    kept = scan.rules.rules
    rows = ((_RuleInfo(rule.rule_id, rule.severity, text_label(rule.title)), 1.0) for rule in kept)
    found = samples_of_rows(_RuleInfo._fields, rows)
    return replace(found, omitted=len(scan.rules.policy.rules) - len(kept))


def _waivers_by_state(scan: ScanResult) -> Samples:
    states = [waiver.state(scan.rules.day) for waiver in scan.rules.policy.waivers]
    return samples_of_rows(
        ["state"], (((str(state),), float(states.count(state))) for state in WaiverState)
    )


def _unused(scan: ScanResult) -> Samples:
    unused = unused_waivers(scan.rules.policy, scan.summary, scan.statuses)
    return samples_of_rows([], [((), None if unused is None else float(len(unused)))])


def _waiver_info(_scan: ScanResult, waiver: Waiver) -> tuple[_WaiverInfo, float]:
    owner, ticket = text_label(waiver.owner), text_label(waiver.ticket)
    return _WaiverInfo(waiver.waiver_id, owner, ticket), 1.0


def _named(scan: ScanResult, waiver: Waiver) -> float:
    return float(scan.summary.waiver_uses[waiver.waiver_id].named)


RULE_METRICS = (
    _by_rule(
        "tag_compliance_rule_evaluated_resources",
        "Resources that the rule applies to.",
        "evaluated",
        lambda series: series.rows,
    ),
    _by_rule(
        "tag_compliance_rule_violations",
        "Resources that violate the rule, without those that a waiver covers.",
        "open",
        lambda series: series.rows,
    ),
    _by_rule(
        "tag_compliance_rule_waived_resources",
        "Resources that violate the rule and are covered by a waiver.",
        "waived",
        lambda series: series.rows,
    ),
    _by_rule(
        "tag_compliance_rule_exempted_by_tag_resources",
        "Resources that the rule does not apply to because of a tag that they have or lack.",
        "exempted",
        lambda series: series.rows_about_tags,
    ),
    Metric(
        "tag_compliance_rule_info",
        "Always 1; the severity and the title of the rule.",
        _RuleInfo._fields,
        _info,
    ),
    _by_region(
        "tag_compliance_policy_evaluated_resources",
        "Resources that are counted, to which the policy applies.",
        "counted",
    ),
    _by_region(
        "tag_compliance_policy_compliant_resources",
        "Resources that violate no rule: with waivers honoured, no rule without a waiver.",
        None,
    ),
    _by_region(
        "tag_compliance_policy_compliance_percentage",
        "Share of resources that violate no rule, with waivers honoured or ignored.",
        None,
        as_percentage=True,
    ),
    _by_waiver(
        "tag_compliance_waiver_expires_timestamp_seconds",
        "Unix time of the end of the waiver's last day, 00:00 UTC of the next one.",
        ("waiver",),
        lambda _, waiver: ((waiver.waiver_id,), waiver.ends_at.timestamp()),
    ),
    _by_waiver(
        "tag_compliance_waiver_info",
        "Always 1; the owner and the ticket of the waiver.",
        _WaiverInfo._fields,
        _waiver_info,
    ),
    _by_waiver(
        "tag_compliance_waiver_findings",
        "Findings that the waiver covers; each is counted for one waiver.",
        ("waiver",),
        lambda scan, waiver: ((waiver.waiver_id,), _named(scan, waiver)),
    ),
    Metric(
        "tag_compliance_waivers",
        "Waivers of the policy that are valid on the day of the scan, and that have expired.",
        ("state",),
        _waivers_by_state,
    ),
    Metric(
        "tag_compliance_unused_waivers",
        "Waivers that match no finding; absent while something that a waiver could match was not "
        "read.",
        (),
        _unused,
    ),
)
