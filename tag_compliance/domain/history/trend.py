"""The open findings of recent days, by account and by rule, from the daily roll-up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

_SUBJECTS = ("account_id", "rule")


def trend_rows(daily: pa.Table) -> Iterator[dict[str, Any]]:
    """For each day with a reading: `subject` (`account_id`, `rule` or `all`), `value`, `date` and
    `open`, the findings at the end of the day. `daily` has the rows of these days.

    An account that was not read on a day keeps its numbers. Blind spot: before its first reading
    in these days it counts as nothing.
    """
    if not len(daily):
        return
    frame = daily.select(["date", *_SUBJECTS, "open"]).to_pandas()
    table = frame.pivot_table(
        index="date", columns=[*_SUBJECTS], values="open", aggfunc="last", observed=True
    )
    table = table.sort_index().ffill().fillna(0).astype(int)
    for day, count in table.sum(axis=1).items():
        yield _row("all", "", day, count)
    for subject in _SUBJECTS:
        sums = table.T.groupby(level=subject, observed=True).sum().T
        for value in sums.columns:
            yield from (_row(subject, str(value), day, n) for day, n in sums[value].items())


def _row(subject: str, value: str, day: Any, count: int) -> dict[str, Any]:
    return {"subject": subject, "value": value, "date": f"{day:%Y-%m-%d}", "open": int(count)}
