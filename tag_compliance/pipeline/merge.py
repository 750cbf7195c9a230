"""From the stored evaluations of the accounts to the results of a scan.

An evaluation whose basis is still right is used as it is stored. Only an account whose basis
changed since it was evaluated (policy, exclusions, UTC day, regions that count) is evaluated again,
from its stored resources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import pyarrow as pa

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config, OnFailure
from tag_compliance.domain.account import AccountId, Target
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.evaluation import Basis, Evaluation, basis_of, evaluate
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.reconcile import reconcile
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.domain.results import ComplianceResults
from tag_compliance.domain.summary import SummarizedAccount, Summary
from tag_compliance.storage.base import Storage
from tag_compliance.tables.findings import Findings
from tag_compliance.tables.raw_resources import RawResources, Warn


@dataclass(frozen=True, slots=True)
class Moments:
    """`scan_started_at` is the start that all runs of the scan share; `now` is for accounts that
    were never read; an account that was last read before `read_since` has failed; `keep_since` is
    how old the numbers of a region that was not read may be, None: not at all.
    """

    scan_started_at: datetime
    now: datetime
    read_since: datetime | None = None
    keep_since: datetime | None = None


@dataclass(frozen=True)
class MergedScan:
    """The results, and where the findings of each account are."""

    results: ComplianceResults
    findings: Mapping[AccountId, Callable[[], pa.Table]]

    def load_findings(self, account_id: AccountId) -> pa.Table:
        """A table of `FINDING_SCHEMA`. Raises `StoredValueUnreadable`."""
        return self.findings[account_id]()


def merge(
    targets: Sequence[Target],
    policy: Policy,
    findings: Findings,
    inventories: RawResources,
    moments: Moments,
) -> MergedScan:
    """One status and one summary for each target, in the configured order."""
    statuses: list[AccountReadStatus] = []
    summaries: list[SummarizedAccount] = []
    sources: dict[AccountId, Callable[[], pa.Table]] = {}
    for target in targets:
        stored = findings.load(target.account_id)
        status = reconcile(
            target,
            stored.status if stored else None,
            now=moments.now,
            read_since=moments.read_since,
        )
        basis = basis_of(status, policy, moments.scan_started_at, moments.keep_since)
        if stored is not None and stored.basis == basis:
            summary, sources[target.account_id] = stored.summary, stored.findings
        else:
            inventory = inventories.load(target.account_id) if basis.regions else None
            evaluation = _evaluate(inventory, status, policy, basis)
            summary, sources[target.account_id] = evaluation.summary, partial(_findings, evaluation)
        statuses.append(status)
        summaries.append(SummarizedAccount(target.account_id, target.account_name, summary))
    rules = tuple(str(rule.rule_id) for rule in policy.rules)
    results = ComplianceResults(tuple(statuses), Summary(tuple(summaries), rules))
    return MergedScan(results, sources)


def _evaluate(
    inventory: AccountInventory | None, status: AccountReadStatus, policy: Policy, basis: Basis
) -> Evaluation:
    resources = inventory.resources if inventory else RESOURCE_SCHEMA.empty_table()
    return evaluate(AccountInventory(status, resources), policy, basis)


def _findings(evaluation: Evaluation) -> pa.Table:
    return evaluation.findings


def merge_stored(
    config: Config,
    storage: Storage,
    warn: Warn,
    read_since: datetime | None = None,
) -> MergedScan:
    """The stored evaluations of the configured accounts, merged."""
    now = utc_now()
    moments = Moments(now, now, read_since, keep_since(config, now))
    return merge(
        targets_of(config),
        policy_of(config),
        Findings(storage, warn),
        RawResources(storage, warn),
        moments,
    )


def policy_of(config: Config) -> Policy:
    """The part of the configuration that decides which resources comply."""
    return Policy(config.required_tags, config.excluded_resource_types)


def keep_since(config: Config, started_at: datetime) -> datetime | None:
    """How old the numbers of a region that was not read may be; None: they are dropped."""
    if config.on_failure is not OnFailure.KEEP_LAST:
        return None
    return started_at - timedelta(seconds=config.keep_last_for)
