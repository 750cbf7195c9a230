"""Builds rows of the tables of tracked and of closed findings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from tag_compliance.domain.history.kinds import KINDS, WHYS, TrackedState
from tag_compliance.domain.history.matching import Found, Ints, Present
from tag_compliance.domain.history.reading import AccountReading, distinct_texts
from tag_compliance.domain.history.state import (
    CLOSED_SCHEMA,
    MOMENT,
    NEVER,
    TRACKED_SCHEMA,
    AccountHistory,
    microseconds,
)
from tag_compliance.domain.resources import LABEL, constant_column, text_numbers

_MICROSECONDS = 1_000_000


def seen_rows(
    reading: AccountReading,
    present: Present,
    found: Found,
    opened: tuple[Ints, Ints],
    moment: datetime,
) -> pa.Table:
    """Rows of `TRACKED_SCHEMA` for the findings of this reading.

    `opened` is for each of them when it was opened, and the position of its kind.
    """
    table, (opened_at, kind) = found.table, opened
    resource, rows = pa.array(found.resource), len(table)
    rules = distinct_texts(table["rule"])
    versions = [reading.versions.get(rule, "") for rule in rules]
    columns = {
        **{n: table[n] for n in ("arn", "resource_type", "rule", "severity", "codes", "waiver")},
        "region": present.table["region"].take(resource),
        "source": present.table["source"].take(resource),
        "opened_at": moments(opened_at),
        "opened_kind": label(KINDS, kind),
        # The states of a finding are also states of a tracked one.
        "state": table["state"],
        "rule_version": label(versions, text_numbers(table["rule"], rules)),
        "last_seen_at": moments(np.full(rows, microseconds(moment))),
        "missing_readings": np.zeros(rows, dtype=np.int64),
        "missing_since": pa.nulls(rows, MOMENT),
        "closed_at": pa.nulls(rows, MOMENT),
    }
    return pa.table(columns, schema=TRACKED_SCHEMA)


def unseen_rows(tracked: pa.Table, missing_readings: Ints, missing_since: Ints) -> pa.Table:
    """Tracked rows that stay as they are, except that their resource may be missing."""
    return _with(
        tracked, missing_readings=pa.array(missing_readings), missing_since=moments(missing_since)
    )


def fixed_rows(tracked: pa.Table, moment: datetime) -> pa.Table:
    """Tracked rows that have just been fixed."""
    return _with(
        tracked,
        state=constant_column(TrackedState.FIXED, len(tracked)),
        missing_readings=pa.array(np.zeros(len(tracked), dtype=np.int64)),
        missing_since=pa.nulls(len(tracked), MOMENT),
        closed_at=moments(np.full(len(tracked), microseconds(moment))),
    )


def closed_rows(account: AccountHistory, tracked: pa.Table, why: Ints, closed_at: Ints) -> pa.Table:
    """Rows of `CLOSED_SCHEMA` for tracked rows that were closed."""
    opened_at = tracked["opened_at"].cast(pa.int64()).to_numpy()
    rows = len(tracked)
    columns = {name: tracked[name] for name in CLOSED_SCHEMA.names if name in TRACKED_SCHEMA.names}
    columns |= {
        "account_id": constant_column(account.account_id, rows),
        "account_name": constant_column(account.account_name, rows),
        "closed_at": moments(closed_at),
        "closed_why": label(WHYS, why),
        "open_seconds": (closed_at - opened_at) / _MICROSECONDS,
        "sequence": np.full(rows, account.sequence),
    }
    return pa.table(columns, schema=CLOSED_SCHEMA)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of tables of one schema, with one dictionary for each column."""
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def moments(values: Ints) -> pa.Array:
    """A column of times; `NEVER` becomes null."""
    return pa.array(values, pa.int64(), mask=values == NEVER).cast(MOMENT)


def label(texts: Sequence[str], which: Ints) -> pa.DictionaryArray:
    """A column of type `LABEL` with the text of each number."""
    values = pa.array([str(text) for text in texts], pa.string())
    indices = pa.array(which.astype(np.int32))
    return pa.DictionaryArray.from_arrays(indices, values).cast(LABEL)


def _with(table: pa.Table, **columns: pa.Array) -> pa.Table:
    for name, column in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), column)
    return table
