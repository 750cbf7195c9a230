"""The open findings of recent days."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from tag_compliance.domain.history.daily import DAILY_SCHEMA
from tag_compliance.domain.history.trend import trend_rows

SHOP, LAB = "111122223333", "222233334444"


def table(day: int, *rows: tuple[str, str, int]) -> pa.Table:
    """The roll-up of a day: account, rule and open findings."""
    numbers = dict.fromkeys((f.name for f in DAILY_SCHEMA if f.type == pa.int64()), 0)
    return pa.Table.from_pylist(
        [
            {
                **numbers,
                "date": date(2026, 5, day),
                "account_id": account_id,
                "account_name": "any",
                "rule": rule,
                "open": count,
            }
            for account_id, rule, count in rows
        ],
        schema=DAILY_SCHEMA,
    )


def trend(*tables: pa.Table) -> dict[tuple[str, str], list[tuple[str, int]]]:
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    rows: list[dict[str, Any]] = [*trend_rows(pa.concat_tables(tables))]
    for row in rows:
        found.setdefault((row["subject"], row["value"]), []).append((row["date"][-2:], row["open"]))
    return found


def test_findings_are_added_up_by_account_and_by_rule() -> None:
    found = trend(table(1, (SHOP, "x", 5), (SHOP, "y", 2)), table(2, (LAB, "x", 1), (SHOP, "x", 3)))
    assert found["all", ""] == [("01", 7), ("02", 6)]
    assert found["account_id", SHOP] == [("01", 7), ("02", 5)]
    assert found["account_id", LAB] == [("01", 0), ("02", 1)]
    assert found["rule", "x"] == [("01", 5), ("02", 4)]


def test_an_account_that_was_not_read_on_a_day_keeps_its_numbers() -> None:
    found = trend(
        table(1, (SHOP, "x", 5), (LAB, "x", 1)),
        table(3, (LAB, "x", 2)),
        table(4, (SHOP, "x", 0), (LAB, "x", 2)),
    )
    assert found["account_id", SHOP] == [("01", 5), ("03", 5), ("04", 0)]
    assert found["all", ""] == [("01", 6), ("03", 7), ("04", 2)]


def test_without_history_there_is_no_trend() -> None:
    assert trend(table(1)) == {}
