"""Two small cubes over the results, from which every count and percentage follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.results import ComplianceResults

REGION = ["account_id", "account_name", "region"]
TYPE = [*REGION, "resource_type"]


@dataclass(frozen=True)
class Counts:
    """`by_type`: the columns of `TYPE`, `resources` and `compliant` (int64), a row for each type.

    `by_type_and_tag`: those of `TYPE`, `tag`, `resources` and `tagged` (int64), a row for each type
    seen and each required tag. `by_region` and `by_region_and_tag` are the same without the type,
    with a row for every counted region, zeros included. Types are sorted by their labels; accounts,
    regions and tags keep the configured order.
    """

    by_type: pd.DataFrame
    by_type_and_tag: pd.DataFrame
    by_region: pd.DataFrame
    by_region_and_tag: pd.DataFrame


def count(results: ComplianceResults) -> Counts:
    """The cubes of `results`: linear in its rows, then small."""
    tags = results.required_tags
    group, groups = group_rows(results.table)
    resources = np.bincount(group, minlength=len(groups))
    compliant = np.bincount(group[_bools(results.table["compliant"])], minlength=len(groups))
    by_type = groups.assign(resources=resources, compliant=compliant)
    missing = _missing_per_group(results.table["missing_tags"], group, len(groups), tags)
    by_type_and_tag = _for_each_tag(by_type, tags)
    by_type_and_tag["tagged"] = np.repeat(resources, len(tags)) - missing.ravel()

    every_region = pd.DataFrame(
        [(key.account_id, key.account_name, key.region) for key in results.counted], columns=REGION
    ).astype("object")
    by_region = _summed(every_region, by_type, ["resources", "compliant"])
    regions_and_tags = _for_each_tag(by_region, tags)[[*REGION, "tag"]]
    by_region_and_tag = _summed(regions_and_tags, by_type_and_tag, ["resources", "tagged"])
    return Counts(by_type, by_type_and_tag, by_region, by_region_and_tag)


def group_rows(table: pa.Table) -> tuple[NDArray[np.intp], pd.DataFrame]:
    """For each row the number of its (account, region, type), and the labels of each number: a row
    of the columns of `TYPE` for each, sorted by them.
    """
    if len(table) == 0:
        return np.zeros(0, dtype=np.intp), pd.DataFrame(columns=TYPE, dtype="object")
    labels: dict[str, list[str]] = {}
    code = np.zeros(len(table), dtype=np.int64)
    for name in TYPE:
        column = table[name].unify_dictionaries().combine_chunks()
        labels[name] = column.dictionary.to_pylist()
        code = code * len(labels[name]) + column.indices.to_numpy()
    codes, group = np.unique(code, return_inverse=True)
    columns: dict[str, list[str]] = {}
    for name in reversed(TYPE):
        codes, position = np.divmod(codes, len(labels[name]))
        columns[name] = [labels[name][at] for at in position]
    groups = pd.DataFrame({name: columns[name] for name in TYPE}, dtype="object")
    order = groups.sort_values(TYPE).index.to_numpy()
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank[group], groups.iloc[order].reset_index(drop=True)


def _missing_per_group(
    missing: pa.ChunkedArray, group: NDArray[np.intp], groups: int, tags: tuple[str, ...]
) -> NDArray[np.int64]:
    """(groups, tags): resources of the group without the tag."""
    rows, codes = missing_pairs(missing, tags)
    flat = np.bincount(group[rows] * len(tags) + codes, minlength=groups * len(tags))
    return flat.reshape(groups, len(tags))


def missing_pairs(
    missing: pa.ChunkedArray, tags: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each (row, number of the required tag) that is missing."""
    lists = missing.combine_chunks()
    rows = pc.list_parent_indices(lists).to_numpy()
    codes = pc.index_in(pc.list_flatten(lists), value_set=pa.array(tags, pa.string()))
    return rows.astype(np.int64), codes.to_numpy(zero_copy_only=False).astype(np.int64)


def _for_each_tag(frame: pd.DataFrame, tags: tuple[str, ...]) -> pd.DataFrame:
    repeated = frame.loc[frame.index.repeat(len(tags))].reset_index(drop=True)
    return repeated.assign(tag=np.tile(np.array(tags, dtype=object), len(frame)))


def _summed(every: pd.DataFrame, parts: pd.DataFrame, values: list[str]) -> pd.DataFrame:
    """The sums of `values` over `parts` for each row of `every`: zero where there is no part."""
    labels = list(every.columns)
    sums = parts.groupby(labels, as_index=False, sort=False)[values].sum()
    joined = every.merge(sums, on=labels, how="left")
    return joined.assign(**{v: joined[v].fillna(0).astype("int64") for v in values})


def _bools(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    flags: NDArray[np.bool_] = column.to_numpy().astype(bool)
    return flags
