"""The values that occur in the findings of one database: few, and read from its indexes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from tag_compliance.snapshot.findings_schema import SORT_KEYS

STATES = ("open", "waived")


@dataclass(frozen=True, slots=True)
class KnownAccount:
    account_id: str
    account_name: str
    ou_path: str


@dataclass(frozen=True, slots=True)
class KnownValues:
    """Each value once, in the order of its text; `owners` without the findings of nobody."""

    accounts: tuple[KnownAccount, ...]
    regions: tuple[str, ...]
    types: tuple[str, ...]
    rules: tuple[str, ...]
    owners: tuple[str, ...]

    @classmethod
    def load(cls, database: sqlite3.Connection) -> KnownValues:
        return cls(
            _accounts(database),
            *(_distinct(database, SORT_KEYS[name]) for name in ("region", "type", "rule", "owner")),
        )

    @property
    def ous(self) -> tuple[str, ...]:
        """The organizational units of the accounts, and all above them."""
        found = {a.ou_path for a in self.accounts if a.ou_path}
        for path in tuple(found):
            parts = path.split("/")
            found |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        return tuple(sorted(found))


def _accounts(database: sqlite3.Connection) -> tuple[KnownAccount, ...]:
    sql = (
        "SELECT account_id, account_name, ou_path FROM findings WHERE id IN "
        "(SELECT min(id) FROM findings WHERE state = ? GROUP BY account_id)"
    )
    rows = {row for state in STATES for row in database.execute(sql, (state,))}
    return tuple(KnownAccount(*row) for row in sorted(rows))


def _distinct(database: sqlite3.Connection, key: str) -> tuple[str, ...]:
    """SQLite skips from one value of an index to the next, if the state is given."""
    sql = f"SELECT DISTINCT {key} FROM findings WHERE state = ?"  # noqa: S608 - no input
    values = {value for state in STATES for (value,) in database.execute(sql, (state,))}
    return tuple(sorted(values - {""}))
