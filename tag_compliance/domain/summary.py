"""Every count of a scan: the one place that adds up resources, types, rules and regions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.counts import Counts

_COUNTS = ["returned", "excluded", "counted", "compliant"]

TYPE_SUMMARY_SCHEMA = pa.schema(
    [
        pa.field("region", pa.string(), nullable=False),
        pa.field("resource_type", pa.string(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in _COUNTS),
    ]
)
"""One row for each type in each counted region, ordered by region and type."""

RULE_SUMMARY_SCHEMA = pa.schema(
    [
        pa.field("region", pa.string(), nullable=False),
        pa.field("resource_type", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("evaluated", pa.int64(), nullable=False),
        pa.field("violations", pa.int64(), nullable=False),
    ]
)
"""One row for each type with counted resources and each rule, ordered by region, type and rule;
rules are in the order of the policy."""


@dataclass(frozen=True)
class AccountSummary:
    """The numbers of one account: `types` has `TYPE_SUMMARY_SCHEMA`, `rules` has
    `RULE_SUMMARY_SCHEMA`, `regions` are the counted regions in the configured order.
    """

    regions: tuple[RegionName, ...]
    types: pa.Table
    rules: pa.Table

    @cached_property
    def by_region(self) -> dict[RegionName, Counts]:
        """The numbers of each counted region, zeros included."""
        found = dict.fromkeys(self.regions, Counts())
        columns = [self.types[name].to_pylist() for name in ("region", *_COUNTS)]
        for region, *numbers in zip(*columns, strict=True):
            found[region] += Counts(*numbers)
        return found

    @property
    def total(self) -> Counts:
        return sum(self.by_region.values(), Counts())

    def violations_by_rule(self) -> dict[str, int]:
        grouped = self.rules.group_by("rule", use_threads=False).aggregate([("violations", "sum")])
        return dict(
            zip(grouped["rule"].to_pylist(), grouped["violations_sum"].to_pylist(), strict=True)
        )


@dataclass(frozen=True, slots=True)
class SummarizedAccount:
    """An account's summary under the name that it has now."""

    account_id: AccountId
    account_name: AccountName
    summary: AccountSummary


REGION = ["account_id", "account_name", "region"]
TYPE = [*REGION, "resource_type"]


@dataclass(frozen=True)
class Summary:
    """The numbers of a scan: the summaries of its accounts, in the configured order.

    The frames have the label columns `REGION` or `TYPE` (object) and int64 counts:

    * `by_type`: returned, excluded, counted, compliant; ordered by its labels;
    * `by_type_and_rule`: rule, evaluated, violations; for types with counted resources, ordered by
      the labels and then as the policy orders rules;
    * `by_region`: returned, excluded, counted, compliant for every counted region, zeros included,
      in the configured order;
    * `by_region_and_rule`: rule, evaluated, violations for every counted region and every rule.
    """

    accounts: tuple[SummarizedAccount, ...]
    rules: tuple[str, ...]

    @cached_property
    def total(self) -> Counts:
        return sum((account.summary.total for account in self.accounts), Counts())

    @cached_property
    def by_account(self) -> dict[AccountId, Counts]:
        return {account.account_id: account.summary.total for account in self.accounts}

    @cached_property
    def by_type(self) -> pd.DataFrame:
        return _frame(((a, a.summary.types) for a in self._by_label), TYPE, _COUNTS)

    @cached_property
    def by_type_and_rule(self) -> pd.DataFrame:
        numbers = ["rule", "evaluated", "violations"]
        return _frame(((a, a.summary.rules) for a in self._by_label), TYPE, numbers)

    @cached_property
    def by_region(self) -> pd.DataFrame:
        rows = [
            (a.account_id, a.account_name, region, c.returned, c.excluded, c.counted, c.compliant)
            for a in self.accounts
            for region, c in a.summary.by_region.items()
        ]
        frame = pd.DataFrame(rows, columns=[*REGION, *_COUNTS])
        return frame.astype({**dict.fromkeys(REGION, "object"), **dict.fromkeys(_COUNTS, "int64")})

    @cached_property
    def by_region_and_rule(self) -> pd.DataFrame:
        every = self.by_region[REGION]
        repeated = every.loc[every.index.repeat(len(self.rules))].reset_index(drop=True)
        repeated["rule"] = np.tile(np.array(self.rules, dtype=object), len(every))
        labels = [*REGION, "rule"]
        sums = self.by_type_and_rule.groupby(labels, as_index=False, sort=False)
        joined = repeated.merge(sums[["evaluated", "violations"]].sum(), on=labels, how="left")
        return joined.assign(
            **{name: joined[name].fillna(0).astype("int64") for name in ("evaluated", "violations")}
        )

    @cached_property
    def violations_by_rule(self) -> dict[str, int]:
        """Violations of each rule in all accounts; a rule without any may be absent."""
        frame = self.by_type_and_rule
        sums = frame.groupby("rule")["violations"].sum()
        return dict(zip(sums.index.tolist(), sums.tolist(), strict=True))

    @property
    def _by_label(self) -> list[SummarizedAccount]:
        return sorted(self.accounts, key=lambda a: (a.account_id, a.account_name))


def _frame(
    parts: Iterable[tuple[SummarizedAccount, pa.Table]], labels: list[str], numbers: list[str]
) -> pd.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in [*labels, *numbers]}
    for account, table in parts:
        columns["account_id"] += [account.account_id] * len(table)
        columns["account_name"] += [account.account_name] * len(table)
        for name in [*labels[2:], *numbers]:
            columns[name] += table[name].to_pylist()
    frame = pd.DataFrame(
        {name: pd.Series(column, dtype="object") for name, column in columns.items()}
    )
    return frame.astype({name: "int64" for name in numbers if name != "rule"})


def percentages(frame: pd.DataFrame, part: str, whole: str) -> pd.Series:
    """`counts.percentage` for each row of a frame in which no `whole` is 0."""
    return 100.0 * frame[part] / frame[whole]
