"""The compliance results as a table: one row for each counted resource."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.account import AccountName
from tag_compliance.domain.evaluation import Basis, counted_resources
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.resources import (
    LABEL,
    AccountInventory,
    TaggedResources,
    constant_column,
    encoded,
)

RESULT_SCHEMA = pa.schema(
    [
        pa.field("account_id", LABEL, nullable=False),
        pa.field("account_name", LABEL, nullable=False),
        pa.field("region", LABEL, nullable=False),
        pa.field("arn", pa.string(), nullable=False),
        pa.field("service", LABEL, nullable=False),
        pa.field("resource_type", LABEL, nullable=False),
        pa.field("tags", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("present_tags", pa.list_(pa.string()), nullable=False),
        pa.field("missing_tags", pa.list_(pa.string()), nullable=False),
        pa.field("compliant", pa.bool_(), nullable=False),
        pa.field("source", LABEL, nullable=False),
        pa.field("ou_path", LABEL, nullable=False),
    ]
)
"""The stable schema of `compliance_results`; columns are only ever added.

In pandas: `category` for the dictionary columns, `bool` for `compliant`, Arrow-backed for the rest.
`arn` is unique per account; `resource_type` is `service:type`; `present_tags` and `missing_tags`
hold required keys only, in the configured order; `source` is a `Source`. `ou_path` is without the
root, and empty if it is not known.
"""


def result_rows(
    inventory: AccountInventory,
    account_name: AccountName,
    policy: Policy,
    basis: Basis,
    ou_path: str = "",
) -> pa.Table:
    """The rows of one account: a table of `RESULT_SCHEMA`."""
    table = counted_resources(inventory, policy, basis)
    resources, required = TaggedResources(table), policy.required_tags
    present = np.array([resources.has_key(key) for key in required], dtype=bool)
    present = present.reshape(len(required), len(table)).T
    types = encoded(table["resource_type"])
    services = [type_.partition(":")[0] for type_ in types.dictionary.to_pylist()]
    columns = {
        "account_id": constant_column(inventory.status.account_id, len(table)),
        "account_name": constant_column(account_name, len(table)),
        "region": table["region"],
        "arn": table["arn"],
        "service": pa.array(services, pa.string()).dictionary_encode().take(types.indices),
        "resource_type": types,
        "tags": table["tags"],
        "present_tags": _keys_where(present, required),
        "missing_tags": _keys_where(~present, required),
        "compliant": pa.array(present.all(axis=1)),
        "source": table["source"],
        "ou_path": constant_column(ou_path, len(table)),
    }
    return pa.table(columns, schema=RESULT_SCHEMA)


def to_frame(tables: Sequence[pa.Table]) -> pd.DataFrame:
    """Tables of `RESULT_SCHEMA` as one pandas frame, sharing their memory where pandas can."""

    def dtype_of(type_: pa.DataType) -> pd.ArrowDtype | None:
        plain = pa.types.is_dictionary(type_) or pa.types.is_boolean(type_)
        return None if plain else pd.ArrowDtype(type_)

    table = pa.concat_tables(tables) if tables else RESULT_SCHEMA.empty_table()
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas(types_mapper=dtype_of)
    return frame


def _keys_where(chosen: NDArray[np.bool_], required: tuple[str, ...]) -> pa.Array:
    """For each row the list of the required keys whose flags are set."""
    offsets = np.concatenate(([0], np.cumsum(chosen.sum(axis=1)))).astype(np.int32)
    codes = np.nonzero(chosen)[1].astype(np.int32)
    keys = pa.array(required, pa.string()).take(pa.array(codes))
    return pa.ListArray.from_arrays(pa.array(offsets), keys)
