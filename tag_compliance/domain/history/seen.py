"""The resources of an account that were ever seen, as hashes of their ARNs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.history.matching import Flags, Ints, Present, flags_of
from tag_compliance.domain.history.reading import AccountReading
from tag_compliance.domain.history.state import (
    MOMENT,
    SEEN_SCHEMA,
    AccountHistory,
    microseconds,
)

UNKNOWN = -1


def arn_hashes(arns: pa.ChunkedArray) -> NDArray[np.uint64]:
    """The stored hash of each ARN.

    64 bits: among a million ARNs of one account, two are equal with a probability of 3 in 10^8.
    """
    if not len(arns):
        return np.empty(0, dtype=np.uint64)
    texts = arns.to_numpy()
    hashes: NDArray[np.uint64] = pd.util.hash_array(texts, categorize=False)
    return hashes


@dataclass(frozen=True)
class Seen:
    """The seen resources of an account joined with the present ones.

    `row` is for each present resource its row in the table before the reading, or `UNKNOWN`.
    """

    before: AccountHistory
    present: Present
    hashes: NDArray[np.uint64]
    row: Ints

    @classmethod
    def of(cls, before: AccountHistory, present: Present) -> Self:
        hashes = arn_hashes(present.table["arn"])
        known = before.seen["arn_hash"].to_numpy()
        row = pd.Index(known).get_indexer(pd.Index(hashes)) if len(known) else None
        return cls(before, present, hashes, np.full(len(hashes), UNKNOWN) if row is None else row)

    def is_new(self) -> Flags:
        is_new: Flags = self.row == UNKNOWN
        return is_new

    def was_excluded(self) -> Flags:
        """For each present resource whether it did not count when it was last seen."""
        return flags_of(self.before.seen["excluded"].to_numpy().astype(bool), self.row)

    def rule_changed(self, reading: AccountReading, rules: tuple[str, ...]) -> NDArray[np.bool_]:
        """By policy number and rule: whether the rule has changed since, or is new.

        The last row is for resources that were never seen.
        """
        current = [reading.versions.get(rule) for rule in rules]
        known = self.before.policies
        rows = [
            [known.get(n, {}).get(rule) != now for rule, now in zip(rules, current, strict=True)]
            for n in range(max(known, default=-1) + 1)
        ]
        table = np.array([*rows, [False] * len(rules)], dtype=bool)
        return table.reshape(len(rows) + 1, len(rules))

    def policy_of(self) -> Ints:
        """For each present resource the number of the policy that it was last evaluated with."""
        known = self.before.seen["policy"].to_numpy().astype(np.int64)
        policy: Ints = np.append(known, UNKNOWN)[self.row]
        return policy

    def after(self, reading: AccountReading, moment: datetime, policy: int) -> pa.Table:
        """The table after the reading: a table of `SEEN_SCHEMA`.

        Only resources that were read are updated. Those of places that are not configured any more
        count as excluded: what they violate when they are configured again is a policy change.
        """
        old, read = _columns(self.before.seen), self.present.read
        now = microseconds(moment)
        gone = [n for n, p in enumerate(self.present.places) if p not in reading.configured]
        old["excluded"] |= np.isin(old["place"], gone)
        values = {
            "place": self.present.place,
            "excluded": self.present.excluded,
            "policy": np.full(len(read), policy),
            "last_seen_at": np.full(len(read), now),
        }
        known = read & (self.row != UNKNOWN)
        for name, value in values.items():
            old[name][self.row[known]] = value[known]
        new = np.nonzero(read & (self.row == UNKNOWN))[0]
        hashes, first = np.unique(self.hashes[new], return_index=True)
        new = new[first]
        added = {
            "arn_hash": hashes,
            "first_seen_at": np.full(len(new), now),
            **{name: value[new] for name, value in values.items()},
        }
        merged = {name: np.concatenate((old[name], added[name])) for name in old}
        return _table(merged)


def exclude_all(seen: pa.Table) -> pa.Table:
    """Every resource counts as excluded, because the account is not a target any more."""
    columns = _columns(seen)
    columns["excluded"][:] = True
    return _table(columns)


def forget(seen: pa.Table, moment: datetime, retention: timedelta) -> pa.Table:
    """Without the resources that were last seen before the retention."""
    columns = _columns(seen)
    kept = columns["last_seen_at"] >= microseconds(moment - retention)
    return seen.filter(pa.array(kept))


def used_policies(
    seen: pa.Table, policies: Mapping[int, Mapping[str, str]]
) -> dict[int, Mapping[str, str]]:
    """The policies that a seen resource was last evaluated with."""
    used = set(np.unique(seen["policy"].to_numpy()).tolist())
    return {number: rules for number, rules in policies.items() if number in used}


def _columns(seen: pa.Table) -> dict[str, NDArray[Any]]:
    columns = {}
    for field in SEEN_SCHEMA:
        column = seen[field.name]
        stored = column.cast(pa.int64()) if field.type == MOMENT else column
        columns[field.name] = stored.to_numpy().copy()
    return columns


def _table(columns: Mapping[str, NDArray[Any]]) -> pa.Table:
    order = np.argsort(columns["arn_hash"], kind="stable")
    arrays = []
    for field in SEEN_SCHEMA:
        values = pa.array(columns[field.name][order])
        arrays.append(values.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=SEEN_SCHEMA)
