"""Stores what was read of an account, together with its evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tag_compliance.config import Config
from tag_compliance.domain.evaluation import Evaluation, basis_of, evaluate
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.pipeline.merge import keep_since, policy_of
from tag_compliance.storage.base import Storage
from tag_compliance.tables.findings import Findings
from tag_compliance.tables.parquet import Warn
from tag_compliance.tables.raw_resources import RawResources


@dataclass(frozen=True)
class AccountWriter:
    """Evaluates and stores the accounts of the scan that started at `started_at`."""

    config: Config
    storage: Storage
    warn: Warn
    started_at: datetime

    def store(self, inventory: AccountInventory) -> Evaluation | None:
        """Evaluates and stores one account; None if a later reading of it is stored already.

        The evaluation is stored first, so that it is never older than the inventory.
        """
        policy, findings = policy_of(self.config), Findings(self.storage, self.warn)
        kept_since = keep_since(self.config, self.started_at)
        evaluation: Evaluation | None = None

        def store_evaluation(stored: AccountInventory) -> None:
            nonlocal evaluation
            basis = basis_of(stored.status, policy, self.started_at, kept_since)
            evaluation = evaluate(stored, policy, basis)
            findings.store(evaluation)

        inventories = RawResources(self.storage, self.warn)
        if inventories.store(inventory, store_evaluation) is None:
            self.warn(f"{inventory.status.display_name}: a later scan has stored this account")
            return None
        return evaluation
