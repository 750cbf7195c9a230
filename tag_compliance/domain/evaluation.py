"""The policy on the resources: which count, which required tags each has, and which it lacks.

Vectorised: no Python loop runs over resources here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.arn import UNKNOWN_TYPE
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.results import (
    RESULT_SCHEMA,
    ComplianceResults,
    ExcludedCount,
    RegionKey,
    concat,
)
from tag_compliance.domain.scan import AccountScan, RegionScan, ScannedAccount


def evaluate(
    accounts: Iterable[ScannedAccount], policy: Policy, *, keep_since: datetime | None = None
) -> ComplianceResults:
    """Judges every account's resources.

    A region that could not be read is left out whole, unless `keep_since` is given and its last
    good reading is not older than that. Within an account an ARN counts once: AWS may return a
    resource twice, and a global one in more than one region.
    """
    tables: list[pa.Table] = []
    scans: list[AccountScan] = []
    counted: list[RegionKey] = []
    excluded: list[ExcludedCount] = []
    unparsable: list[tuple[str, int]] = []
    for account in accounts:
        scan = account.scan
        scans.append(scan)
        regions = [r.region for r in scan.regions if _counts(r, keep_since)]
        counted += [RegionKey(scan.account_id, scan.account_name, region) for region in regions]
        table = _once_per_arn(_rows_of(account.table, regions))
        kept = _not_excluded(table, policy)
        excluded += _tally(scan, table.filter(pa.array(~kept)))
        table = table.filter(pa.array(kept))
        garbage = pc.sum(pc.equal(_text(table["resource_type"]), UNKNOWN_TYPE)).as_py() or 0
        if garbage:
            unparsable.append((scan.account_id, garbage))
        tables.append(_judged(scan, table, policy.required_tags))
    return ComplianceResults(
        required_tags=policy.required_tags,
        table=concat(tables),
        scans=tuple(scans),
        counted=tuple(counted),
        excluded=tuple(excluded),
        unparsable=tuple(unparsable),
    )


def _counts(region: RegionScan, keep_since: datetime | None) -> bool:
    if region.succeeded:
        return True
    last = region.last_success_at
    return keep_since is not None and last is not None and last >= keep_since


def _rows_of(table: pa.Table, regions: list[str]) -> pa.Table:
    """The rows of these regions, in their order: the first of two equal ARNs is a fixed one."""
    found = pc.index_in(_text(table["region"]), value_set=pa.array(regions, pa.string()))
    place = found.fill_null(-1).to_numpy()
    if (place >= 0).all() and (np.diff(place) >= 0).all():
        return table
    order = np.argsort(place, kind="stable")
    return table.take(pa.array(order[place[order] >= 0]))


def _once_per_arn(table: pa.Table) -> pa.Table:
    if pc.count_distinct(table["arn"]).as_py() == len(table):
        return table
    arns = table["arn"].to_pandas()
    asked = _text(table["region"]).to_pandas()
    at_home = arns.str.split(":", n=4).str[3] == asked
    # The row of the region that the ARN names goes first, wherever else the ARN came back.
    order = np.argsort(~at_home.to_numpy(dtype=bool), kind="stable")
    first = order[~arns.iloc[order].duplicated().to_numpy()]
    return table.take(pa.array(np.sort(first)))


def _not_excluded(table: pa.Table, policy: Policy) -> NDArray[np.bool_]:
    types = table["resource_type"].unify_dictionaries().combine_chunks()
    if len(types) == 0:
        return np.ones(0, dtype=bool)
    keeps = np.array([not policy.excludes(t) for t in types.dictionary.to_pylist()], dtype=bool)
    kept: NDArray[np.bool_] = keeps[types.indices.to_numpy()]
    return kept


def _tally(scan: AccountScan, table: pa.Table) -> list[ExcludedCount]:
    counts = (
        pa.table({"region": _text(table["region"]), "type": _text(table["resource_type"])})
        .group_by(["region", "type"])
        .aggregate([([], "count_all")])
        .sort_by([("region", "ascending"), ("type", "ascending")])
    )
    return [
        ExcludedCount(scan.account_id, scan.account_name, row["region"], row["type"], n)
        for row in counts.to_pylist()
        if (n := row["count_all"])
    ]


def _judged(scan: AccountScan, table: pa.Table, required: tuple[str, ...]) -> pa.Table:
    types = table["resource_type"].unify_dictionaries().combine_chunks()
    present = _presence(table["tags"], required)
    columns = {
        "account_id": _constant(scan.account_id, len(table)),
        "account_name": _constant(scan.account_name, len(table)),
        "region": table["region"],
        "arn": table["arn"],
        "service": _services(types, len(table)),
        "resource_type": types,
        "tags": table["tags"],
        "present_tags": _keys_where(present, required),
        "missing_tags": _keys_where(~present, required),
        "compliant": pa.array(present.all(axis=1)),
    }
    return pa.table(columns, schema=RESULT_SCHEMA)


def _presence(tags: pa.ChunkedArray, required: tuple[str, ...]) -> NDArray[np.bool_]:
    """(resources, required keys): an empty value counts as present, only the key is looked up."""
    present = np.zeros((len(tags), len(required)), dtype=bool)
    maps = tags.combine_chunks()
    offsets = maps.offsets.to_numpy()
    keys = maps.keys.slice(offsets[0], offsets[-1] - offsets[0])
    rows = np.repeat(np.arange(len(maps)), np.diff(offsets))
    # One look-up for all required keys: one in the map for each takes ten times as long.
    codes = pc.index_in(keys, value_set=pa.array(required, pa.string()))
    hits = codes.is_valid().to_numpy(zero_copy_only=False)
    present[rows[hits], codes.drop_null().to_numpy()] = True
    return present


def _keys_where(chosen: NDArray[np.bool_], required: tuple[str, ...]) -> pa.Array:
    """For each row the list of the required keys that its flags choose."""
    offsets = np.concatenate(([0], np.cumsum(chosen.sum(axis=1)))).astype(np.int32)
    codes = np.nonzero(chosen)[1].astype(np.int32)
    keys = pa.array(required, pa.string()).take(pa.array(codes))
    return pa.ListArray.from_arrays(pa.array(offsets), keys)


def _services(types: pa.DictionaryArray, rows: int) -> pa.Array:
    if rows == 0:
        return _constant("", 0)
    names = [full.partition(":")[0] for full in types.dictionary.to_pylist()]
    return pa.array(names, pa.string()).dictionary_encode().take(types.indices)


def _constant(text: str, rows: int) -> pa.DictionaryArray:
    indices = pa.array(np.zeros(rows, dtype=np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array([text], pa.string()))


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())
