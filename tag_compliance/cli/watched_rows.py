"""The rows of a report, observed while they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.reports.context import SEVERITIES


@dataclass
class WatchedRows:
    """Counts the rows that pass, and collects the severities of the open ones."""

    rows: Iterable[ReportRow]
    count: int = 0
    severities: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[ReportRow]:
        for row in self.rows:
            self.count += 1
            if row.state == "open":
                self.severities.add(row.severity)
            yield row

    def has_open(self, severity: str) -> bool:
        """Whether an open finding of this severity or a higher one has passed."""
        serious = SEVERITIES[: SEVERITIES.index(severity) + 1]
        return not self.severities.isdisjoint(serious)
