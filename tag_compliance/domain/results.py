"""The validated results: one row a counted resource, and beside them what a count cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from tag_compliance.domain.scan import AccountScan, failures_of

_LABEL = pa.dictionary(pa.int32(), pa.string())

RESULT_SCHEMA = pa.schema(
    [
        pa.field("account_id", _LABEL, nullable=False),
        pa.field("account_name", _LABEL, nullable=False),
        pa.field("region", _LABEL, nullable=False),
        pa.field("arn", pa.string(), nullable=False),
        pa.field("service", _LABEL, nullable=False),
        pa.field("resource_type", _LABEL, nullable=False),
        pa.field("tags", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("present_tags", pa.list_(pa.string()), nullable=False),
        pa.field("missing_tags", pa.list_(pa.string()), nullable=False),
        pa.field("compliant", pa.bool_(), nullable=False),
    ]
)
"""The stable schema of `compliance_results`; columns are only ever added.

In pandas: `category` for the dictionary columns, `bool` for `compliant`, Arrow-backed for the rest.
`arn` is unique per account; `resource_type` is `service:type`; `present_tags` and `missing_tags`
hold required keys only, in the configured order.
"""


COUNTED_COLUMNS = (
    *("account_id", "account_name", "region", "resource_type", "arn"),
    *("missing_tags", "compliant"),
)
"""The columns that the metrics are made of."""


@dataclass(frozen=True, slots=True)
class ExcludedCount:
    """Resources that a pattern left out of account, for one type in one region."""

    account_id: str
    account_name: str
    region: str
    resource_type: str
    resources: int


@dataclass(frozen=True, slots=True)
class RegionKey:
    """A region of an account whose resources are counted, be it that there are none."""

    account_id: str
    account_name: str
    region: str


@dataclass(frozen=True)
class ComplianceResults:
    """What a scan found, judged.

    `table` has `RESULT_SCHEMA` and only rows of `counted` regions. `unparsable` counts, per account
    id, the rows whose ARN has no known form (they are counted as `unknown:unknown`).
    """

    required_tags: tuple[str, ...]
    table: pa.Table
    scans: tuple[AccountScan, ...]
    counted: tuple[RegionKey, ...]
    excluded: tuple[ExcludedCount, ...] = ()
    unparsable: tuple[tuple[str, int], ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """`table` in pandas, sharing its memory where pandas can."""
        return to_frame(self.table)

    @property
    def regions_configured(self) -> int:
        return sum(len(scan.regions) for scan in self.scans)

    @property
    def regions_read(self) -> int:
        return sum(region.succeeded for scan in self.scans for region in scan.regions)

    @property
    def failures(self) -> tuple[str, ...]:
        """A line for a person on each account or region that was not read."""
        return failures_of(self.scans)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A table of `RESULT_SCHEMA` in pandas: categories for labels, Arrow behind the rest."""

    def dtype_of(type_: pa.DataType) -> pd.ArrowDtype | None:
        plain = pa.types.is_dictionary(type_) or pa.types.is_boolean(type_)
        return None if plain else pd.ArrowDtype(type_)

    frame: pd.DataFrame = table.unify_dictionaries().to_pandas(types_mapper=dtype_of)
    return frame


def concat(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of all tables, under one dictionary for each label column."""
    if not tables:
        return RESULT_SCHEMA.empty_table()
    return pa.concat_tables(tables).unify_dictionaries()
