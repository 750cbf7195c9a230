"""The detail series: one for each resource and missing required tag, limited in number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.findings import FINDING_SCHEMA
from tag_compliance.domain.metrics.table import Detail, LabelColumn, Samples, cut_label
from tag_compliance.domain.resources import LABEL, constant_column, encoded
from tag_compliance.domain.summary import REGION, TYPE, Summary

DETAIL = "tag_missing_detail"
"""The name of the metric."""

MAX_ARN_LABEL = 200
"""Characters of the label `resource_arn`."""

_ACCOUNT_NAME = pa.field("account_name", LABEL)
_COLUMNS = ("account_id", "region", "resource_type", "arn", "rule", "tag")

LoadFindings = Callable[[AccountId], pa.Table]
"""Returns the findings of an account, with at least the columns that the detail series need."""


def arn_label(arn: str) -> str:
    """The ARN in at most 200 characters; no two ARNs have the same label."""
    return cut_label(arn, MAX_ARN_LABEL)


def detail_of(
    summary: Summary, required_rules: Collection[str], load: LoadFindings, limit: int | None
) -> Detail:
    """At most `limit` series (None: all), shared fairly among the accounts.

    The series of an account are chosen by region, type, ARN and tag, so that the same resources
    stay from scan to scan. Findings of accounts without a series are not loaded.
    """
    frame = summary.by_type_and_rule
    required = frame[frame["rule"].isin(list(required_rules))]
    groups = required.groupby(TYPE, as_index=False, sort=False)[["violations"]].sum()
    wanted, accounts = groups["violations"], groups.groupby("account_id")["violations"]
    shares = accounts.sum()
    if limit is not None and limit < shares.sum():
        shares = fair_shares(shares, limit)
    before = accounts.cumsum() - wanted
    groups["kept"] = (groups["account_id"].map(shares) - before).clip(0, wanted)
    groups["omitted"] = wanted - groups["kept"]
    of_account = dict(iter(groups.groupby("account_id")))
    tables = []
    for account in summary.accounts:
        own = of_account.get(account.account_id)
        if own is not None and own["kept"].any():
            table = _missing(load(account.account_id), required_rules)
            if own["omitted"].any():
                table = _first_of_each_group(table, own)
            names = constant_column(account.account_name, len(table))
            tables.append(table.append_column(_ACCOUNT_NAME, names))
    sums = groups.groupby(REGION, as_index=False, sort=False)["omitted"].sum()
    every = summary.by_region[REGION].merge(sums, on=REGION, how="left")
    every["omitted"] = every["omitted"].fillna(0).astype("int64")
    return Detail(replace(_samples(tables), omitted=int(every["omitted"].sum())), every)


def fair_shares(wanted: pd.Series, limit: int) -> pd.Series:
    """How many of `limit` each account gets: as many as it wants, or as many as any other account.

    What is left over when all of these are equal goes to the first accounts, one each.
    """
    ordered = np.sort(wanted.to_numpy())
    left = len(ordered) - np.arange(len(ordered))
    # The smallest accounts that get all they want: the others share the rest equally.
    used = np.concatenate(([0], np.cumsum(ordered)[:-1]))
    levels = (limit - used) // left
    level = levels[np.argmax(levels < ordered)]
    shares = wanted.clip(upper=level)
    first = wanted.index[wanted > level][: limit - int(shares.sum())]
    shares.loc[first] += 1
    return shares


def _missing(findings: pa.Table, required_rules: Collection[str]) -> pa.Table:
    table = findings.select(_COLUMNS)
    rules = table["rule"].cast(pa.string())
    return table.filter(pc.is_in(rules, value_set=pa.array(list(required_rules), pa.string())))


def _first_of_each_group(table: pa.Table, groups: pd.DataFrame) -> pa.Table:
    """As many series of each (region, type) as `groups` keeps, the first by ARN and tag."""
    labels = ["region", "resource_type"]
    frame = table.select([*labels, "arn"]).to_pandas().astype("object")
    ranks = frame.sort_values("arn", kind="stable").groupby(labels).cumcount().sort_index()
    kept = frame.merge(groups, on=labels, how="left")["kept"]
    return table.filter(pa.array((ranks < kept).to_numpy(dtype=bool)))


def _samples(tables: Sequence[pa.Table]) -> Samples:
    if not tables:
        fields = [FINDING_SCHEMA.field(name) for name in _COLUMNS]
        tables = [pa.schema([*fields, _ACCOUNT_NAME]).empty_table()]
    table = pa.concat_tables(tables)
    names = ("tag", "account_name", "account_id", "region", "resource_type")
    labels = tuple(_label_column(table[name]) for name in names)
    arns = _arn_column(table["arn"])
    return Samples((*labels, arns), np.ones(len(table), dtype=np.int64))


def _label_column(column: pa.ChunkedArray) -> LabelColumn:
    texts = encoded(column)
    return LabelColumn(texts.indices.to_numpy(), texts.dictionary.to_pylist())


def _arn_column(column: pa.ChunkedArray) -> LabelColumn:
    """Each ARN is cut once, however many of its tags are missing."""
    arns = column.combine_chunks().dictionary_encode()
    return LabelColumn(
        arns.indices.to_numpy(), [arn_label(arn) for arn in arns.dictionary.to_pylist()]
    )
