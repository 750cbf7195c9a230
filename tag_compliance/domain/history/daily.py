"""The daily roll-up: one row for each day, account and rule."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tag_compliance.domain.history.counting import count_rules
from tag_compliance.domain.history.kinds import KINDS, WHYS, TrackedState
from tag_compliance.domain.history.reading import distinct_texts
from tag_compliance.domain.history.state import AccountHistory, RuleCounters
from tag_compliance.domain.resources import LABEL, text_numbers

_OPENED = tuple(f"opened_{kind}" for kind in KINDS)
_CLOSED = tuple(f"closed_{why}" for why in WHYS)

DAILY_SCHEMA = pa.schema(
    [
        pa.field("date", pa.date32(), nullable=False),
        pa.field("account_id", LABEL, nullable=False),
        pa.field("account_name", LABEL, nullable=False),
        pa.field("rule", LABEL, nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("open", "waived")),
        *(pa.field(name, pa.int64(), nullable=False) for name in (*_OPENED, *_CLOSED)),
        pa.field("returned", pa.int64(), nullable=False),
        pa.field("resources", pa.int64()),
        pa.field("compliant", pa.int64()),
        pa.field("sequence", pa.int64(), nullable=False),
    ]
)
"""`open` and `waived` are the numbers after the last reading of the UTC day; `opened_…`, `closed_…`
and `returned` (findings that continued after they were fixed) count the day. `resources` are those
that the rule applies to, `compliant` those that pass it; null for a rule that is not in the policy.
`sequence` is the number of the account's reading that the row describes."""


def daily_rows(history: AccountHistory) -> pa.Table:
    """The rows of the account for the day of its last change: a table of `DAILY_SCHEMA`."""
    day = history.day
    open_, waived = (_tracked(history, state) for state in (TrackedState.OPEN, TrackedState.WAIVED))
    rules = dict.fromkeys([*day.numbers, *sorted({*open_, *waived, *day.counters})])
    return pa.Table.from_pylist(
        [_row(history, rule, open_.get(rule, 0), waived.get(rule, 0)) for rule in rules],
        schema=DAILY_SCHEMA,
    )


def _row(history: AccountHistory, rule: str, open_: int, waived: int) -> dict[str, Any]:
    day = history.day
    counters, numbers = day.counters.get(rule, RuleCounters()), day.numbers.get(rule)
    return {
        "date": day.day,
        "account_id": history.account_id,
        "account_name": history.account_name,
        "rule": rule,
        "open": open_,
        "waived": waived,
        **dict(zip(_OPENED, counters.opened, strict=True)),
        **dict(zip(_CLOSED, counters.closed, strict=True)),
        "returned": day.returned.get(rule, 0),
        "resources": numbers.resources if numbers else None,
        "compliant": numbers.compliant if numbers else None,
        "sequence": history.sequence,
    }


def _tracked(history: AccountHistory, state: TrackedState) -> dict[str, int]:
    rows = history.rows_in(state)
    rules = distinct_texts(rows["rule"])
    return count_rules(rules, text_numbers(rows["rule"], rules))
