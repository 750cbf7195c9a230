"""The findings of the latest scan, account by account, as the stored tables have them.

Without Dagster and without AWS: for reports, and for the database of a snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId, Target
from tag_compliance.domain.evaluation import counted_resources
from tag_compliance.domain.finding_rows import (
    AccountFindings,
    ReportedAccount,
    RowSettings,
    rows_of_account,
)
from tag_compliance.domain.owners import AccountOwner
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.report_filter import FindingFilter
from tag_compliance.domain.report_row import ConsoleLink, ReportRow
from tag_compliance.domain.resources import RESOURCE_SCHEMA
from tag_compliance.pipeline.merge import MergedScan, policy_of
from tag_compliance.storage.base import Storage
from tag_compliance.tables.history import HistoryTables
from tag_compliance.tables.parquet import Warn
from tag_compliance.tables.raw_resources import RawResources


@dataclass(frozen=True)
class StoredFindings:
    """The findings that the results of a merged scan count."""

    config: Config
    merged: MergedScan
    storage: Storage
    warn: Warn

    def rows(self, settings: RowSettings, chosen: FindingFilter) -> Iterator[ReportRow]:
        """The rows in the order of reports; only one account at a time is in memory.

        Raises `StoredValueUnreadable`.
        """
        for account in sorted(self.targets(), key=lambda account: account.account_id):
            if chosen.has_account(account.account_id, account.ou_path):
                yield from rows_of_account(self.of_account(account.account_id), settings, chosen)

    @cached_property
    def policy(self) -> Policy:
        """The policy of the scan."""
        return policy_of(self.config)

    @cached_property
    def _targets(self) -> dict[AccountId, Target]:
        return {target.account_id: target for target in targets_of(self.config)}

    def targets(self) -> tuple[Target, ...]:
        """The accounts of the scan, in the configured order."""
        return tuple(self._targets.values())

    def of_account(self, account_id: AccountId) -> AccountFindings:
        """The findings of one account. Raises `StoredValueUnreadable`."""
        findings = self.merged.load_findings(account_id)
        resources = RESOURCE_SCHEMA.empty_table()
        if len(findings):
            inventory = RawResources(self.storage, self.warn).load(account_id)
            if inventory is not None:
                basis = self.merged.bases[account_id]
                resources = counted_resources(inventory, self.policy, basis)
        opened = self.openings(account_id) if len(findings) else None
        pa.default_memory_pool().release_unused()
        return AccountFindings(self.reported(account_id), findings, resources, opened)

    def openings(self, account_id: AccountId) -> pa.Table | None:
        """When each known finding was opened: `HistoryTables.openings`."""
        return HistoryTables(self.storage, self.warn).openings(account_id)

    def reported(self, account_id: AccountId) -> ReportedAccount:
        target = self._targets[account_id]
        owner = AccountOwner(target.owner, target.owner_source) if target.owner else AccountOwner()
        return ReportedAccount(account_id, target.account_name, target.ou_path, owner)


def row_settings(config: Config, merged: MergedScan) -> RowSettings:
    """The part of the configuration that the rows depend on."""
    return RowSettings(
        snapshot_time=merged.started_at,
        owner_tags=config.owner_tags,
        show_values=config.report_values,
        console_link=console_link_of(config),
        waiver_expires={w.waiver_id: w.expires for w in policy_of(config).waivers},
    )


def console_link_of(config: Config) -> ConsoleLink | None:
    """The portal through which links to the AWS console lead; None if none is configured."""
    link = config.console_link
    return ConsoleLink(link.start_url, link.role_name or "") if link.start_url else None
