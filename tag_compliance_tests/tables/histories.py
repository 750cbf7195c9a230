"""Applies generated scans to stored histories, and reads what is stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.history.figures import FigureBasis, HistoryFigures
from tag_compliance.domain.history.state import AccountHistory
from tag_compliance.storage.base import Storage
from tag_compliance.tables.history import HistoryTables
from tag_compliance.tables.history_update import HistoryTarget, HistoryUpdate
from tag_compliance_tests.domain.history.worlds import RETENTION, findings_table, reading_of


def no_warning(text: str) -> None:
    raise AssertionError(text)


def update(
    storage: Storage,
    scan: dict[str, Any],
    warn: Callable[[str], None] = no_warning,
    retention: timedelta = RETENTION,
) -> HistoryFigures:
    rules = scan["rules"]
    targets = [
        HistoryTarget(
            AccountId(account_id),
            AccountName(f"name of {account_id}"),
            reading["started_at"],
            0,
            partial(reading_of, account_id, reading, rules),
            partial(findings_table, account_id, reading["snapshot"]),
        )
        for account_id, reading in scan["accounts"].items()
    ]
    basis = FigureBasis(dict.fromkeys(rules, "medium"), scan["at"], retention)
    return HistoryUpdate(storage, warn, basis).apply(targets, all_accounts=scan["all_accounts"])


def histories(storage: Storage) -> dict[str, AccountHistory]:
    tables = HistoryTables(storage, no_warning)
    found = {account_id: tables.load(account_id) for account_id in tables.account_ids()}
    return {account_id: history for account_id, history in found.items() if history}


def day_rows(storage: Storage, table: str) -> list[dict[str, Any]]:
    """The rows of all days, in a fixed order."""
    rows: list[dict[str, Any]] = []
    for name in storage.names(f"tables/history_{table}/"):
        stored = storage.read(name)
        assert stored
        rows += pq.read_table(pa.BufferReader(stored.data)).to_pylist()
    return sorted(rows, key=str)


def content(storage: Storage) -> dict[str, Any]:
    """Everything that is stored, in a form that two storages can be compared by."""
    return {
        "closed": day_rows(storage, "closed"),
        "daily": day_rows(storage, "daily"),
        "accounts": {
            account_id: (
                history.without_tables(),
                sorted(history.tracked.to_pylist(), key=str),
                history.seen.to_pylist(),
            )
            for account_id, history in histories(storage).items()
        },
    }
