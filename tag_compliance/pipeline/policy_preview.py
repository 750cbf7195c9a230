"""What a changed policy would make of the stored resources of the latest scan.

Without Dagster and without AWS. Only one account at a time is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, field, fields, replace
from enum import StrEnum
from operator import add

import pyarrow.compute as pc

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.config.policy_model import LoadedPolicy
from tag_compliance.domain.account import AccountId, Target
from tag_compliance.domain.evaluation import Evaluation, evaluate
from tag_compliance.domain.finding_changes import FindingChange, FindingChanges
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.rules.base import Rule
from tag_compliance.domain.summary import AccountSummary
from tag_compliance.pipeline.merge import MergedScan, policy_of
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import Warn
from tag_compliance.tables.raw_resources import RawResources

MOST_SAMPLES = 5
"""Of the findings of a rule that are gained, and of those that are lost."""


class RuleChange(StrEnum):
    """What the changed policy does to a rule."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class PolicyNumbers:
    """The counted resources under one policy: those without open findings, and without any."""

    counted: int = 0
    without_open_findings: int = 0
    without_findings: int = 0

    @classmethod
    def of(cls, summary: AccountSummary) -> PolicyNumbers:
        return cls(*(pc.sum(summary.types[f.name]).as_py() or 0 for f in fields(cls)))

    def __add__(self, other: PolicyNumbers) -> PolicyNumbers:
        return PolicyNumbers(*map(add, astuple(self), astuple(other)))


@dataclass(frozen=True, slots=True)
class RuleNumbers:
    """The resources that a rule applies to, and its findings by their states."""

    evaluated: int = 0
    open: int = 0
    waived: int = 0

    def __add__(self, other: RuleNumbers) -> RuleNumbers:
        return RuleNumbers(*map(add, astuple(self), astuple(other)))


@dataclass
class RulePreview:
    """One rule: its findings by state under both policies, and what changes, by account."""

    rule: str
    title: str
    severity: str
    change: RuleChange
    before: RuleNumbers = RuleNumbers()
    after: RuleNumbers = RuleNumbers()
    gained: dict[AccountId, int] = field(default_factory=dict)
    lost: dict[AccountId, int] = field(default_factory=dict)
    gained_samples: list[FindingChange] = field(default_factory=list)
    lost_samples: list[FindingChange] = field(default_factory=list)


@dataclass
class PolicyPreview:
    """The numbers under the policy of the latest scan and under the changed one.

    `rules` are those of either policy, the rules of the changed one first, in their order.
    `missing` are the accounts that have counted resources, but none that are stored.
    """

    rules: dict[str, RulePreview]
    before: PolicyNumbers = PolicyNumbers()
    after: PolicyNumbers = PolicyNumbers()
    missing: list[Target] = field(default_factory=list)


def preview_policy(
    config: Config, changed: LoadedPolicy, merged: MergedScan, storage: Storage, warn: Warn
) -> PolicyPreview:
    """Evaluates both policies as the scan did: on the UTC day of its start, with its required tags
    and exclusions, and with the organizational units that the accounts had.
    """
    before, after = policy_of(config), policy_of(config.model_copy(update={"policy": changed}))
    found = PolicyPreview(_rules(before, after))
    inventories = RawResources(storage, warn)
    for target in targets_of(config):
        basis = replace(merged.bases[target.account_id], units=target.units)
        if not basis.regions:
            continue
        inventory = inventories.load(target.account_id)
        if inventory is None:
            found.missing.append(target)
            continue
        _add(found, evaluate(inventory, before, basis), evaluate(inventory, after, basis))
    return found


def _rules(before: Policy, after: Policy) -> dict[str, RulePreview]:
    """The rules that are only in one of the policies, or in both."""
    old: dict[str, Rule] = {str(rule.rule_id): rule for rule in before.rules}
    new: dict[str, Rule] = {str(rule.rule_id): rule for rule in after.rules}
    found = {}
    for rule_id, rule in (new | {i: r for i, r in old.items() if i not in new}).items():
        if rule_id not in old:
            change = RuleChange.ADDED
        elif rule_id not in new:
            change = RuleChange.REMOVED
        else:
            change = RuleChange.UNCHANGED if old[rule_id] == rule else RuleChange.CHANGED
        found[rule_id] = RulePreview(rule_id, rule.title, str(rule.severity), change)
    return found


def _add(found: PolicyPreview, before: Evaluation, after: Evaluation) -> None:
    found.before += PolicyNumbers.of(before.summary)
    found.after += PolicyNumbers.of(after.summary)
    for rule_id, numbers in _by_rule(before.summary):
        found.rules[rule_id].before += numbers
    for rule_id, numbers in _by_rule(after.summary):
        found.rules[rule_id].after += numbers
    account_id = before.account_id
    changes = FindingChanges.between(account_id, before.findings, after.findings)
    for rule_id, count in changes.gained.items():
        rule = found.rules[rule_id]
        rule.gained[account_id] = count
        most = MOST_SAMPLES - len(rule.gained_samples)
        rule.gained_samples += changes.samples(rule_id, most, gained=True)
    for rule_id, count in changes.lost.items():
        rule = found.rules[rule_id]
        rule.lost[account_id] = count
        most = MOST_SAMPLES - len(rule.lost_samples)
        rule.lost_samples += changes.samples(rule_id, most, gained=False)


def _by_rule(summary: AccountSummary) -> Iterator[tuple[str, RuleNumbers]]:
    columns = ("evaluated", "violations", "waived")
    groups = summary.rules.group_by("rule", use_threads=False)
    for row in groups.aggregate([(column, "sum") for column in columns]).to_pylist():
        evaluated, violations, waived = (row[f"{column}_sum"] for column in columns)
        yield row["rule"], RuleNumbers(evaluated, violations - waived, waived)
