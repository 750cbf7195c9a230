"""Stores what was read of an account, together with its evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.evaluation import Evaluation, basis_of, evaluate
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.pipeline.merge import keep_since, policy_of
from tag_compliance.storage.base import Storage
from tag_compliance.tables.failed_readings import FailedReadings
from tag_compliance.tables.findings import Findings
from tag_compliance.tables.parquet import Warn
from tag_compliance.tables.raw_resources import RawResources

_LATEST_RUN = "tables/reading_runs"
"""How many reading runs have begun. It orders readings that do not overlap, without any clock."""


def next_reading_run(storage: Storage) -> int:
    """The number of a reading run that begins now."""
    number = 0

    def increased(data: bytes | None) -> bytes:
        nonlocal number
        number = _number_in(data) + 1
        return str(number).encode()

    storage.update(_LATEST_RUN, increased)
    return number


def _number_in(data: bytes | None) -> int:
    """If the object is lost or damaged, times decide until the number is as high again."""
    return int(data) if data is not None and data.isdigit() else 0


@dataclass(frozen=True)
class AccountWriter:
    """Evaluates and stores the accounts of the scan that started at `started_at`.

    `reading_run` is the number of the run that reads them, which is of the scan `scan`; a
    publishing run has neither.
    """

    config: Config
    storage: Storage
    warn: Warn
    started_at: datetime
    reading_run: int = 0
    scan: str | None = None

    def store(self, inventory: AccountInventory) -> Evaluation | None:
        """Evaluates and stores one account; None if the reading of another scan stays.

        If no region of the account was read, its tables stay as they are until the scan is
        published.
        """
        numbered = AccountInventory(self._numbered(inventory.status), inventory.resources)
        if inventory.status.read_something:
            if inventory.status.succeeded:  # it counts more than a failure at the same time
                FailedReadings(self.storage, self.warn).delete([inventory.status.account_id])
            return self._store_tables(numbered)
        stored = RawResources(self.storage, self.warn).load(inventory.status.account_id)
        carried = numbered.carry_forward(stored) if stored else numbered
        pending = AccountInventory(carried.status, numbered.resources)
        FailedReadings(self.storage, self.warn).store(pending)
        return self._evaluate(carried)

    def settle(self, failed: Iterable[AccountInventory]) -> None:
        """Stores failed readings in the tables of their accounts, which keep what was known."""
        pending = FailedReadings(self.storage, self.warn)
        for inventory in failed:
            self._store_tables(inventory)
            pending.delete([inventory.status.account_id])

    def _store_tables(self, inventory: AccountInventory) -> Evaluation | None:
        """The evaluation is stored first, so that it is never older than the inventory."""
        findings = Findings(self.storage, self.warn)
        evaluation: Evaluation | None = None

        def store_evaluation(stored: AccountInventory) -> None:
            nonlocal evaluation
            evaluation = self._evaluate(stored)
            findings.store(evaluation)

        if RawResources(self.storage, self.warn).store(inventory, store_evaluation) is None:
            self.warn(f"{inventory.status.display_name}: a later scan has stored this account")
            return None
        return evaluation

    def _evaluate(self, inventory: AccountInventory) -> Evaluation:
        kept_since = keep_since(self.config, self.started_at)
        units = self._units.get(inventory.status.account_id, ())
        basis = basis_of(inventory.status, self._policy, self.started_at, kept_since, units)
        return evaluate(inventory, self._policy, basis)

    @cached_property
    def _policy(self) -> Policy:
        return policy_of(self.config)

    @cached_property
    def _units(self) -> dict[AccountId, tuple[str, ...]]:
        return {target.account_id: target.units for target in targets_of(self.config)}

    def _numbered(self, status: AccountReadStatus) -> AccountReadStatus:
        latest = self.storage.read(_LATEST_RUN)
        latest_run = _number_in(latest.data if latest else None)
        return replace(status, reading_run=self.reading_run, latest_run=latest_run, scan=self.scan)
