"""What writers and readers of the findings database share: its version and its sort orders."""

from __future__ import annotations

from tag_compliance.domain.report_row import COLUMNS

SCHEMA_VERSION = 1
"""Increased when a table or a column is renamed or removed; additions do not change it."""

TALLIED = ("account_id", "owner", "rule", "resource_type")
"""The columns of findings by which the table `tallies` counts."""

REPORT_COLUMNS = ", ".join("r.tags" if name == "tags" else f"f.{name}" for name in COLUMNS)
FINDINGS_AND_RESOURCES = "FROM findings f JOIN resources r ON r.id = f.resource"
"""The columns of a report, and where they are."""

_RANKS = ("critical", "high", "medium", "low")
_SEVERITY_RANK = (
    "CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 "
    "WHEN 'low' THEN 3 ELSE 4 END"
)
SORT_KEYS = {
    "severity": _SEVERITY_RANK,
    "type": "resource_type",
    "region": "region",
    "rule": "rule",
    "owner": "ifnull(owner, '')",
    "age": "ifnull(opened_at, '9')",
}
"""The sort orders of pages and API, each with its indexed expression. The most serious and the
oldest findings come first; those of unknown age come last."""


def severity_rank(severity: str) -> int:
    """The value of the expression of `severity` in `SORT_KEYS`."""
    return _RANKS.index(severity) if severity in _RANKS else len(_RANKS)
