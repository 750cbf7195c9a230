"""The detail series: one for each resource and missing tag, capped, under a bounded ARN label."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.counts import REGION, group_rows, missing_pairs
from tag_compliance.domain.metrics import TAG_MISSING_DETAIL, Family, LabelColumn
from tag_compliance.domain.results import ComplianceResults, RegionKey

MAX_ARN_LABEL = 200
_HASH_DIGITS = 16
_CUT_FORM = re.compile(rf"~[0-9a-f]{{{_HASH_DIGITS}}}\Z")


@dataclass(frozen=True)
class Detail:
    """The family, and how many series the cap left out of each region that is counted."""

    family: Family
    omitted: dict[RegionKey, int]


def arn_label(arn: str) -> str:
    """The ARN in at most 200 characters, no two ARNs alike.

    A longer ARN keeps its beginning and ends in `~` and a hash of the whole. An ARN that itself has
    the form of a cut one is cut as well, or it could meet another's label.
    """
    if len(arn) < MAX_ARN_LABEL or (len(arn) == MAX_ARN_LABEL and not _CUT_FORM.search(arn)):
        return arn
    digest = hashlib.sha256(arn.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{arn[: MAX_ARN_LABEL - _HASH_DIGITS - 1]}~{digest}"


def detail_of(results: ComplianceResults, limit: int) -> Detail:
    """At most `limit` series (0: all), chosen by account, region, type, ARN and tag, so that the
    same resources stay in from scan to scan.
    """
    table = results.table
    rows, tags = missing_pairs(table["missing_tags"], results.required_tags)
    omitted = dict.fromkeys(results.counted, 0)
    if 0 < limit < len(rows):
        chosen, left_out = _capped(table, rows, tags, limit)
        rows, tags = rows[chosen], tags[chosen]
        omitted |= left_out
    family = Family(
        TAG_MISSING_DETAIL,
        (
            LabelColumn(tags, results.required_tags),
            *(_column(table, name, rows) for name in ("account_name", "account_id", "region")),
            _column(table, "resource_type", rows),
            _arn_column(table, rows),
        ),
        np.ones(len(rows), dtype=np.int64),
    )
    return Detail(family, omitted)


def _capped(
    table: pa.Table, rows: NDArray[np.int64], tags: NDArray[np.int64], limit: int
) -> tuple[NDArray[np.intp], Counter[RegionKey]]:
    """Which pairs stay in, and how many others each region has.

    Whole groups of account, region and type stay in or are left out; the ARNs of one alone, in
    which the limit falls, must be put in order.
    """
    group_of_row, groups = group_rows(table)
    group = group_of_row[rows]
    sizes = np.bincount(group, minlength=len(groups))
    through = np.cumsum(sizes)
    last = int(np.searchsorted(through, limit))
    within = np.nonzero(group == last)[0]
    arns = pc.rank(table["arn"].take(pa.array(rows[within])), tiebreaker="dense").to_numpy()
    fitting = limit - int(through[last] - sizes[last])
    chosen = within[np.lexsort((tags[within], arns))[:fitting]]
    chosen = np.sort(np.concatenate([np.nonzero(group < last)[0], chosen]))
    left_out: Counter[RegionKey] = Counter()
    numbers = sizes - np.bincount(group[chosen], minlength=len(groups))
    for *region, number in groups[REGION].assign(number=numbers).itertuples(index=False):
        left_out[RegionKey(*region)] += number
    return chosen, left_out


def _column(table: pa.Table, name: str, rows: NDArray[np.int64]) -> LabelColumn:
    column = table[name].unify_dictionaries().combine_chunks()
    if len(column) == 0:
        return LabelColumn(np.zeros(0, dtype=np.int64), ())
    return LabelColumn(column.indices.to_numpy()[rows], column.dictionary.to_pylist())


def _arn_column(table: pa.Table, rows: NDArray[np.int64]) -> LabelColumn:
    used, codes = np.unique(rows, return_inverse=True)
    arns = table["arn"].take(pa.array(used)).to_pylist()
    return LabelColumn(codes, [arn_label(arn) for arn in arns])
