"""An account's summary in the description of its findings: JSON with a list for each column."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from tag_compliance.domain.account import RegionName
from tag_compliance.domain.summary import (
    RULE_SUMMARY_SCHEMA,
    TYPE_SUMMARY_SCHEMA,
    AccountSummary,
)

Columns = dict[str, list[str] | list[int]]


class StoredSummary(BaseModel):
    """`types` and `rules` have the columns of `TYPE_SUMMARY_SCHEMA` and `RULE_SUMMARY_SCHEMA`."""

    model_config = ConfigDict(frozen=True)

    regions: tuple[RegionName, ...]
    types: Columns
    rules: Columns

    @classmethod
    def of(cls, summary: AccountSummary) -> StoredSummary:
        return cls.model_construct(
            regions=summary.regions,
            types=summary.types.to_pydict(),
            rules=summary.rules.to_pydict(),
        )

    def summary(self) -> AccountSummary:
        """Raises `ValueError` or `KeyError` if the columns do not have the expected schemas."""
        return AccountSummary(
            self.regions,
            _table(self.types, TYPE_SUMMARY_SCHEMA),
            _table(self.rules, RULE_SUMMARY_SCHEMA),
        )


def _table(columns: Columns, schema: pa.Schema) -> pa.Table:
    arrays: list[Any] = [pa.array(columns[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
