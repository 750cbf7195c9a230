"""The report of `policy preview`: as lines for people, and as a JSON document for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from tag_compliance.cli.stored_scan import LatestScan, doubt_lines
from tag_compliance.domain.account import AccountId, AccountName, display_name
from tag_compliance.domain.counts import format_percentage, percentage
from tag_compliance.domain.finding_changes import FindingChange
from tag_compliance.logs import on_one_line
from tag_compliance.pipeline.policy_preview import (
    PolicyNumbers,
    PolicyPreview,
    RuleNumbers,
    RulePreview,
)

_SCHEMA = 1
"""Increased when a program that reads the JSON document has to change."""

_SHOWN_ACCOUNTS = 10


@dataclass(frozen=True)
class PreviewReport:
    """A preview, the scan whose resources it is about, and why the numbers may be incomplete.

    Tag values are in neither form. `files` are the names of the changed policy's files.
    """

    found: PolicyPreview
    scan: LatestScan
    files: Sequence[str]
    doubts: Sequence[str]

    @classmethod
    def of(
        cls, found: PolicyPreview, scan: LatestScan, files: Sequence[str], now: datetime
    ) -> PreviewReport:
        missing = (
            f"not compared: the stored resources of {target.account_id} ({target.account_name}) "
            "are missing or damaged"
            for target in found.missing
        )
        return cls(found, scan, files, [*missing, *scan.doubts(now)])

    def lines(self) -> list[str]:
        """The text for a person."""
        rules = [rule for rule in self.found.rules.values() if _is_shown(rule)]
        shown = [*self._head(), *(line for rule in rules for line in self._of_rule(rule))]
        if not rules:
            shown.append("no rule and no finding would change")
        return [*map(on_one_line, shown), *doubt_lines(self.doubts)]

    def _head(self) -> Iterator[str]:
        before, after = self.found.before, self.found.after
        started = self.scan.findings.merged.started_at
        yield (
            f"{after.counted} resources of the scan that started at {started:%Y-%m-%d %H:%M:%S} "
            f"UTC; waivers as of {self._day}, its UTC day"
        )
        for name, old, new in (
            ("honoured", before.without_open_findings, after.without_open_findings),
            ("ignored", before.without_findings, after.without_findings),
        ):
            share = (format_percentage(percentage(n, after.counted)) for n in (old, new))
            yield f"compliance, waivers {name}: {' -> '.join(share)} ({old} -> {new} resources)"
        old_sum, new_sum = _sums(self.found)
        gained, lost = _changes(self.found)
        yield f"open findings: {old_sum.open} -> {new_sum.open} (+{gained}, -{lost})"
        yield f"waived findings: {old_sum.waived} -> {new_sum.waived}"

    def _of_rule(self, rule: RulePreview) -> Iterator[str]:
        gained, lost = sum(rule.gained.values()), sum(rule.lost.values())
        yield (
            f"rule {rule.rule} ({rule.severity}, {rule.change}): "
            f"open {rule.before.open} -> {rule.after.open} (+{gained}, -{lost}), "
            f"waived {rule.before.waived} -> {rule.after.waived}"
        )
        accounts = _accounts(rule)
        for account_id in accounts[:_SHOWN_ACCOUNTS]:
            counts = f"+{rule.gained.get(account_id, 0)}, -{rule.lost.get(account_id, 0)}"
            yield f"  {display_name(account_id, self._names[account_id])}: {counts}"
        if len(accounts) > _SHOWN_ACCOUNTS:
            yield f"  and {len(accounts) - _SHOWN_ACCOUNTS} more accounts; --format json has all"
        for mark, samples in (("+", rule.gained_samples), ("-", rule.lost_samples)):
            for sample in samples:
                yield f"  {mark} {sample.arn} ({sample.account_id}): {_reason(sample)}"

    def document(self) -> str:
        """The JSON document; equal previews are equal texts."""
        found = self.found
        before, after = _sums(found)
        gained, lost = _changes(found)
        content = {
            "schema": _SCHEMA,
            "files": sorted(self.files),
            "scan_started_at": self.scan.findings.merged.started_at.isoformat(),
            "day": str(self._day),
            "incomplete": list(self.doubts),
            "resources": found.after.counted,
            "compliance": {"before": _shares(found.before), "after": _shares(found.after)},
            "findings": {
                "before": _states(before),
                "after": _states(after),
                "gained": gained,
                "lost": lost,
            },
            "rules": [self._rule(found.rules[name]) for name in sorted(found.rules)],
        }
        return json.dumps(content, indent=2)

    def _rule(self, rule: RulePreview) -> dict[str, Any]:
        return {
            "rule": rule.rule,
            "title": rule.title,
            "severity": rule.severity,
            "change": str(rule.change),
            "before": {"evaluated": rule.before.evaluated, **_states(rule.before)},
            "after": {"evaluated": rule.after.evaluated, **_states(rule.after)},
            "gained": sum(rule.gained.values()),
            "lost": sum(rule.lost.values()),
            "accounts": [
                {
                    "account_id": account_id,
                    "account_name": self._names[account_id],
                    "gained": rule.gained.get(account_id, 0),
                    "lost": rule.lost.get(account_id, 0),
                }
                for account_id in _accounts(rule)
            ],
            "gained_samples": [_sample(sample) for sample in rule.gained_samples],
            "lost_samples": [_sample(sample) for sample in rule.lost_samples],
        }

    @property
    def _day(self) -> date | None:
        return self.scan.findings.merged.results.day

    @cached_property
    def _names(self) -> dict[AccountId, AccountName]:
        return {t.account_id: t.account_name for t in self.scan.findings.targets()}


def _is_shown(rule: RulePreview) -> bool:
    differs = rule.before != rule.after or rule.gained or rule.lost
    return bool(differs) or rule.change != "unchanged"


def _accounts(rule: RulePreview) -> list[AccountId]:
    return sorted({*rule.gained, *rule.lost})


def _sums(found: PolicyPreview) -> tuple[RuleNumbers, RuleNumbers]:
    """All rules together, before and after."""
    rules = found.rules.values()
    before = sum((rule.before for rule in rules), RuleNumbers())
    return before, sum((rule.after for rule in rules), RuleNumbers())


def _changes(found: PolicyPreview) -> tuple[int, int]:
    """How many open findings are gained and lost."""
    rules = found.rules.values()
    gained = sum(sum(rule.gained.values()) for rule in rules)
    return gained, sum(sum(rule.lost.values()) for rule in rules)


def _reason(sample: FindingChange) -> str:
    codes = ", ".join(sample.codes)
    if sample.after is None:
        return f"no finding any more; was {codes}"
    waiver = f", waived by {sample.waiver}" if sample.waiver else ""
    return f"{codes}{waiver}"


def _sample(sample: FindingChange) -> dict[str, Any]:
    return {
        "account_id": sample.account_id,
        "region": sample.region,
        "resource_type": sample.resource_type,
        "arn": sample.arn,
        "before": sample.before and str(sample.before),
        "after": sample.after and str(sample.after),
        "codes": list(sample.codes),
        "waiver": sample.waiver,
    }


def _states(numbers: RuleNumbers) -> dict[str, int]:
    return {"open": numbers.open, "waived": numbers.waived}


def _shares(numbers: PolicyNumbers) -> dict[str, Any]:
    counts = {
        "honoured": numbers.without_open_findings,
        "ignored": numbers.without_findings,
    }
    return {
        name: {"compliant": count, "percentage": percentage(count, numbers.counted)}
        for name, count in counts.items()
    }
