"""Queries of the small tables of the findings database: accounts, severities, coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tag_compliance.domain.report_filter import ALL_STATES, FindingFilter
from tag_compliance.exporter.findings_parameters import SEVERITIES
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.findings_sql import all_of, one_of
from tag_compliance.exporter.findings_values import STATES

_ACCOUNT = ("account_id", "account_name", "returned", "excluded", "counted", "compliant")

COVERAGE = {
    "account_id": "s.account_id",
    "account_name": "s.account_name",
    "ou_path": "c.ou_path",
    "region": "s.region",
    "source": "s.source",
    "counts": "c.counts",
    "reason": "s.reason",
    "message": "s.message",
    "requested": "c.requested",
    "returned": "c.returned",
    "added": "c.added",
    "result_at": "c.result_at",
    "not_covered": "c.not_covered",
    "seconds": "s.seconds",
    "last_success_at": "s.last_success_at",
}
"""The keys of a row of the coverage, each with its column in `read_status` or `coverage`."""

_PLACE = ("s.account_id", "s.region", "s.source")
_COVERAGE_ORDER = "coverage"
_EVERYTHING = FindingFilter(state=ALL_STATES)


def accounts(queries: FindingsQueries) -> list[dict[str, Any]]:
    """The counts of each account that was read, and its findings by state."""
    counts = (
        "SELECT account_id, account_name, sum(returned), sum(excluded), sum(counted), "
        "sum(compliant) FROM summary GROUP BY 1, 2 ORDER BY 1"
    )
    found = [dict(zip(_ACCOUNT, row, strict=True)) for row in queries.fetch(counts)]
    states = Counter[tuple[str | None, str]]()
    for tally in queries.tallies("account_id", _EVERYTHING):
        states[tally.value, tally.state] += tally.findings
    return [
        {**row, **{state: states[row["account_id"], state] for state in STATES}} for row in found
    ]


def findings_by_severity(queries: FindingsQueries) -> dict[str, dict[str, int]]:
    """The number of findings by state and severity."""
    counts = Counter[tuple[str, str]]()
    for tally in queries.tallies("account_id", _EVERYTHING):
        counts[tally.state, tally.severity] += tally.findings
    return {
        state: {severity: counts[state, severity] for severity in SEVERITIES} for state in STATES
    }


def coverage(
    queries: FindingsQueries,
    account_ids: Sequence[str],
    regions: Sequence[str],
    limit: int,
    cursor: str | None,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the coverage, and the cursor of the next one.

    Raises `BadQuery` for a wrong cursor, `CursorGone` for one of another snapshot.
    """
    chosen = {"s.account_id": account_ids, "s.region": regions}
    parts = [one_of(column, values) for column, values in chosen.items() if values]
    if cursor is not None:
        place = queries.place_of(cursor, _COVERAGE_ORDER, (str, str, str))
        parts.append((f"({', '.join(_PLACE)}) > (?, ?, ?)", place))
    condition, values = all_of(parts)
    sql = (
        f"SELECT {', '.join(COVERAGE.values())} FROM read_status s "  # noqa: S608 - no input
        "JOIN coverage c USING (account_id, region, source) "
        f"WHERE {condition} ORDER BY {', '.join(_PLACE)} LIMIT ?"
    )
    found = queries.fetch(sql, (*values, limit + 1))
    rows = [_coverage_row(row) for row in found[:limit]]
    if len(found) <= limit:
        return rows, None
    last = rows[-1]
    at = (last["account_id"], last["region"], last["source"])
    return rows, queries.cursor(_COVERAGE_ORDER, at)


def _coverage_row(values: tuple[Any, ...]) -> dict[str, Any]:
    row = dict(zip(COVERAGE, values, strict=True))
    return {**row, "counts": bool(row["counts"])}
