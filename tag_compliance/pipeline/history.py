"""The history of findings in the pipeline: from the merged results of a scan to its figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial

import pyarrow as pa

from tag_compliance.config import Config
from tag_compliance.domain.evaluation import basis_of, evaluate, present_resources
from tag_compliance.domain.history.figures import FigureBasis, HistoryFigures
from tag_compliance.domain.history.reading import (
    AccountReading,
    Place,
    RuleNumbers,
)
from tag_compliance.domain.history.versions import tracked_rules
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus, Outcome
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.domain.summary import AccountSummary
from tag_compliance.pipeline.merge import LoadFindings, MergedScan, policy_of
from tag_compliance.storage.base import Storage
from tag_compliance.tables.history_update import HistoryTarget, HistoryUpdate
from tag_compliance.tables.parquet import Warn
from tag_compliance.tables.raw_resources import RawResources

_EVER = datetime.min.replace(tzinfo=UTC)


def update_history(
    merged: MergedScan, config: Config, storage: Storage, warn: Warn
) -> HistoryFigures:
    """Brings the stored histories up to date with a scan; the same scan again changes nothing."""
    policy = policy_of(config)
    severities = {str(rule.rule_id): str(rule.severity) for rule in policy.rules}
    retention = timedelta(days=config.retain_history_days)
    reader = _Reader(policy, merged, RawResources(storage, warn))
    statuses = {status.account_id: status for status in merged.results.statuses}
    targets = []
    for account in merged.results.summary.accounts:
        account_id = account.account_id
        status = statuses[account_id]
        load_findings = cache(partial(merged.load_findings, account_id))
        load_reading = partial(reader.reading, status, account.summary, load_findings)
        targets.append(
            HistoryTarget(
                account_id,
                account.account_name,
                status.started_at,
                status.reading_run,
                load_reading=load_reading,
                load_snapshot=load_findings,
            )
        )
    basis = FigureBasis(severities, merged.started_at, retention)
    update = HistoryUpdate(storage, warn, basis)
    return update.apply(targets, all_accounts=merged.results.of_all_accounts)


@dataclass(frozen=True)
class _Reader:
    policy: Policy
    merged: MergedScan
    inventories: RawResources

    def reading(
        self,
        status: AccountReadStatus,
        summary: AccountSummary,
        load_findings: LoadFindings,
    ) -> AccountReading | None:
        """What the scan knows of an account, also of regions that do not count in the snapshot.

        None if the stored resources are of another reading: this one was killed before it had
        stored them, or a later one has replaced them, which another run publishes.
        """
        results = _results(status)
        resources = self._resources(status)
        if resources is None and results:
            return None
        known = AccountInventory(status, resources or RESOURCE_SCHEMA.empty_table())
        units = self.merged.bases[status.account_id].units
        # All known rows: a source that was read counts here, whatever the others of its region did.
        basis = replace(
            basis_of(status, self.policy, self.merged.times.started_at, _EVER, units),
            regions=tuple(region.region for region in status.regions),
        )
        findings = snapshot = load_findings()
        # After a scan that read no region completely, the snapshot keeps the findings of before.
        keeps_numbers = self.merged.results.outcome is Outcome.NOTHING
        if keeps_numbers or not {place.region for place in results} <= set(summary.regions):
            findings = evaluate(known, self.policy, basis).findings
        return AccountReading(
            status.account_id,
            status.account_name,
            status.started_at,
            frozenset(Place(r.region, s.source) for r in status.regions for s in r.counting),
            results,
            present_resources(known, self.policy, basis),
            findings,
            tracked_rules(self.policy.rules, units),
            _numbers(summary, snapshot),
            status.reading_run,
        )

    def _resources(self, status: AccountReadStatus) -> pa.Table | None:
        """The rows of the reading, also if it read no region completely; None if they are not
        stored.
        """
        inventory = self.inventories.load(status.account_id)
        for failed in self.merged.failed:
            if (
                failed.status.account_id == status.account_id
                and failed.status.started_at == status.started_at
            ):
                inventory = failed.carry_forward(inventory) if inventory else failed
        if inventory is None or inventory.status.started_at != status.started_at:
            return None
        return inventory.resources


def _results(status: AccountReadStatus) -> dict[Place, datetime]:
    """The places that were read, and when each result is from; without sources that only report."""
    return {
        Place(region.region, source.source): source.result_returned_at or status.started_at
        for region in status.regions
        for source in region.counting
        if source.succeeded
    }


def _numbers(summary: AccountSummary, findings: pa.Table) -> dict[str, RuleNumbers]:
    sums = summary.rules.group_by("rule", use_threads=False).aggregate([("evaluated", "sum")])
    violating = findings["rule"].cast(pa.string()).value_counts().to_pylist()
    found = {pair["values"]: pair["counts"] for pair in violating}
    return {
        row["rule"]: RuleNumbers(
            row["evaluated_sum"], row["evaluated_sum"] - found.get(row["rule"], 0)
        )
        for row in sums.to_pylist()
    }
