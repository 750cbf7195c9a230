"""From the stored evaluations of the accounts to the results of a scan.

A stored evaluation is used as it is while its basis is right. Only an account whose basis changed
since it was evaluated (policy, exclusions, UTC day, counted regions) is evaluated again, from its
stored inventory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import pyarrow as pa

from tag_compliance.aws.sources.plan import sources_in
from tag_compliance.aws.targets import targets_of
from tag_compliance.config import AwsOwned, Config, OnFailure
from tag_compliance.config.policy_rules import policy_of as build_policy
from tag_compliance.domain.account import AccountId, Target
from tag_compliance.domain.clock import is_ahead, utc_now
from tag_compliance.domain.evaluation import Basis, basis_of, evaluate
from tag_compliance.domain.findings import FINDING_SCHEMA
from tag_compliance.domain.organization import DiscoveryStatus, discovery_status
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus, RegionReadStatus
from tag_compliance.domain.reconcile import reconcile
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.domain.summary import (
    AccountSummary,
    ComplianceResults,
    SummarizedAccount,
    Summary,
)
from tag_compliance.pipeline.scan_times import ScanTimes
from tag_compliance.snapshot.store import ANY, SnapshotStore
from tag_compliance.storage.base import Storage
from tag_compliance.tables.failed_readings import FailedReadings
from tag_compliance.tables.findings import Findings, StoredEvaluation
from tag_compliance.tables.organization import Organizations
from tag_compliance.tables.parquet import Warn
from tag_compliance.tables.raw_resources import RawResources

LoadFindings = Callable[[], pa.Table]


@dataclass(frozen=True)
class MergedScan:
    """The results, the times of the scan, and where the findings of each account are.

    `failed` are the readings that read no region and are not in the tables of their accounts yet;
    `bases` has the basis of each account's numbers;
    `after` is the id of the snapshot that was current before the results were merged.
    """

    results: ComplianceResults
    times: ScanTimes
    findings: Mapping[AccountId, LoadFindings]
    failed: tuple[AccountInventory, ...] = ()
    bases: Mapping[AccountId, Basis] = field(default_factory=dict)
    after: str | None = ANY

    def load_findings(self, account_id: AccountId) -> pa.Table:
        """A table of `FINDING_SCHEMA`. Raises `StoredValueUnreadable`."""
        return self.findings[account_id]()

    @property
    def started_at(self) -> datetime:
        """The latest start of reading an account; the scan's start if no account was read.

        Never later than now, even if the clock of another host is ahead.
        """
        read = (s.started_at for s in self.results.statuses if s.was_read)
        counted = (moment for moment in read if not is_ahead(moment))
        latest = max(counted, default=self.times.started_at)
        since = self.times.read_since
        started_at = latest if since is None or latest >= since else self.times.started_at
        return min(started_at, utc_now())


def policy_of(config: Config) -> Policy:
    """The part of the configuration that decides which resources comply."""
    return build_policy(
        config.required_tags,
        config.excluded_resource_types,
        config.policy,
        excludes_aws_owned=config.aws_owned_resources is AwsOwned.EXCLUDE,
        owner_tags=config.owner_tags,
    )


def keep_since(config: Config, started_at: datetime) -> datetime | None:
    """A region that was not read counts with its last good reading if that is not older.

    None: it does not count.
    """
    if config.on_failure is not OnFailure.KEEP_LAST:
        return None
    return started_at - timedelta(seconds=config.keep_last_for)


def merge_stored(
    config: Config,
    storage: Storage,
    warn: Warn,
    times: ScanTimes,
    *,
    with_findings: bool = True,
) -> MergedScan:
    """The stored evaluations of the configured accounts, in the configured order.

    If nothing at all was read, the read statuses say so, and the numbers of the last good snapshot
    are kept, for at most `keep_last_for`. Without `with_findings`, the findings of no account stay
    in memory, and `findings` of the result is empty.
    """
    targets, policy = targets_of(config), policy_of(config)
    findings = Findings(storage, warn, with_rows=with_findings)
    inventories = RawResources(storage, warn)
    failed = FailedReadings(storage, warn).load()
    stored = {target.account_id: findings.load(target.account_id) for target in targets}
    known = [found.status for found in (*failed.values(), *stored.values()) if found is not None]
    runs = [s.reading_run for s in known if s.scan and s.scan == times.scan]
    times, first_run = _not_before(times, stored), min(runs, default=None)
    merger = _Merger(config, policy, inventories, times, failed, first_run, with_findings)
    accounts = [merger.merge(target, stored[target.account_id]) for target in targets]
    if not any(account.status.read_something for account in accounts):
        accounts = [
            merger.keep(target, stored[target.account_id], account.status)
            for target, account in zip(targets, accounts, strict=True)
        ]
    summarized = (
        SummarizedAccount(t.account_id, t.account_name, a.summary, t.ou_path, t.owner)
        for t, a in zip(targets, accounts, strict=True)
    )
    summary = Summary(tuple(summarized), tuple(str(rule.rule_id) for rule in policy.rules))
    statuses = tuple(a.status for a in accounts)
    results = ComplianceResults(
        statuses,
        summary,
        times.all_accounts,
        _discovery(config, targets, storage, warn),
        merger.times.started_at.date(),
    )
    loaders = {a.status.account_id: a.findings for a in accounts if with_findings}
    bases = {a.status.account_id: a.basis for a in accounts}
    return MergedScan(results, merger.times, loaders, tuple(failed.values()), bases)


def _discovery(
    config: Config, targets: Sequence[Target], storage: Storage, warn: Warn
) -> DiscoveryStatus | None:
    """How the accounts were discovered that are published."""
    known = None if config.organization is None else Organizations(storage, warn).load()
    if known is None:
        return None
    return discovery_status(known, {target.account_id for target in targets})


def merge_current(config: Config, storage: Storage, warn: Warn, times: ScanTimes) -> MergedScan:
    """The same, to be published: if another run publishes after this, it is merged again."""
    after = SnapshotStore(storage).current_id()
    return replace(merge_stored(config, storage, warn, times), after=after)


def _not_before(times: ScanTimes, stored: Mapping[AccountId, StoredEvaluation | None]) -> ScanTimes:
    """A scan that is published days after its start is evaluated on the day of the publication.

    Otherwise a re-execution of an old run would return every account to the day of that run.
    """
    days = [evaluation.basis.day for evaluation in stored.values() if evaluation is not None]
    if max(days, default=times.started_at.date()) > times.started_at.date():
        return replace(times, started_at=utc_now())
    return times


def _without_unread_sources(status: AccountReadStatus) -> AccountReadStatus:
    """Each region with the sources that were ever read in it; with all of them if none was."""

    def known(region: RegionReadStatus) -> RegionReadStatus:
        read = tuple(s for s in region.sources if s.last_success_at is not None)
        return replace(region, sources=read) if any(s.counts for s in read) else region

    return replace(status, regions=tuple(map(known, status.regions)))


@dataclass(frozen=True)
class _Account:
    """One account, as its target and the policy require it now."""

    status: AccountReadStatus
    basis: Basis
    summary: AccountSummary
    findings: LoadFindings


@dataclass(frozen=True)
class _Merger:
    config: Config
    policy: Policy
    inventories: RawResources
    times: ScanTimes
    failed: Mapping[AccountId, AccountInventory]
    first_run: int | None
    """The number of the scan's first reading run that has stored an account."""

    with_findings: bool

    def merge(self, target: Target, stored: StoredEvaluation | None) -> _Account:
        if stored is not None:
            pending = self._pending(target, stored.status)
            status = self._reconcile(target, pending.status if pending else stored.status)
            basis = self._basis(target, status)
            # A failed reading has rows if some of its sources were read.
            if basis == stored.basis and not (pending and len(pending.resources)):
                return _Account(status, basis, stored.summary, stored.findings)
        # The inventory and its read status may be those of a later reading than the evaluation, if
        # the process that read the account was killed before it had stored both.
        inventory = self.inventories.load(target.account_id)
        pending = self._pending(target, inventory.status if inventory else None)
        if pending is not None:
            inventory = pending.carry_forward(inventory) if inventory else pending
        status = self._reconcile(target, inventory.status if inventory else None)
        return self._evaluated(status, inventory, self._basis(target, status))

    def keep(
        self, target: Target, stored: StoredEvaluation | None, status: AccountReadStatus
    ) -> _Account:
        """The numbers as they were before a scan that read nothing, under the status of the scan.

        Numbers older than `keep_last_for` are not kept. A source that was never read, because it
        was switched on for this scan, takes no region away that counted without it.
        """
        inventory = None
        if stored is not None:
            known: AccountReadStatus | None = stored.status
        else:
            inventory = self.inventories.load(target.account_id)
            known = inventory.status if inventory else None
        sources_of = partial(sources_in, self.config)
        before = reconcile(target, known, sources_of, now=self.times.started_at)
        oldest = self.times.started_at - timedelta(seconds=self.config.keep_last_for)
        basis = self._basis(target, before)
        if stored is not None:
            ever_read = self._basis(target, _without_unread_sources(before))
            counted = {*basis.regions, *stored.basis.regions}
            regions = tuple(region for region in ever_read.regions if region in counted)
            basis = replace(ever_read, regions=regions)
        basis = basis.without_readings_before(oldest, before)
        if stored is not None and basis == stored.basis:
            return _Account(status, basis, stored.summary, stored.findings)
        if inventory is None:
            inventory = self.inventories.load(target.account_id)
        return self._evaluated(status, inventory, basis)

    def _evaluated(
        self, status: AccountReadStatus, inventory: AccountInventory | None, basis: Basis
    ) -> _Account:
        resources = inventory.resources if inventory else RESOURCE_SCHEMA.empty_table()
        evaluation = evaluate(AccountInventory(status, resources), self.policy, basis)
        findings = evaluation.findings if self.with_findings else FINDING_SCHEMA.empty_table()
        return _Account(status, basis, evaluation.summary, lambda: findings)

    def _pending(self, target: Target, known: AccountReadStatus | None) -> AccountInventory | None:
        """The failed reading that is later than what the account's tables contain."""
        failed = self.failed.get(target.account_id)
        if failed is None or (known is not None and not failed.status.replaces(known)):
            return None
        return failed

    def _reconcile(self, target: Target, known: AccountReadStatus | None) -> AccountReadStatus:
        times, sources_of = self.times, partial(sources_in, self.config)
        since, first_run = times.read_since, self.first_run
        return reconcile(
            target, known, sources_of, now=times.started_at, read_since=since, first_run=first_run
        )

    def _basis(self, target: Target, status: AccountReadStatus) -> Basis:
        started_at = self.times.started_at
        kept_since = keep_since(self.config, started_at)
        return basis_of(status, self.policy, started_at, kept_since, target.units)
