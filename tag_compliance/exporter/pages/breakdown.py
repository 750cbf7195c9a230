"""The pages that count findings: by account, owner, rule or type, with the compliance of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tag_compliance.domain.report_filter import ALL_STATES, FindingFilter
from tag_compliance.exporter.findings_parameters import FILTERS, SEVERITIES, FindingsRequest
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.findings_values import KnownValues
from tag_compliance.exporter.pages.address import Address
from tag_compliance.exporter.pages.breakdown_lines import Line, Subject, read_lines
from tag_compliance.exporter.pages.filters import Choice, choices
from tag_compliance.exporter.pages.frame import Frame
from tag_compliance.exporter.pages.trend import NO_TREND, Trend

MAX_ROWS = 500
ORDERS = {"worst": "worst first", "name": "name", "findings": "most findings"}
_BY_SHARE = {"compliance": "lowest percentage"}
SORTS = (*ORDERS, *_BY_SHARE)
_FINDINGS = "/findings"


@dataclass(frozen=True)
class Breakdown:
    """`lines` are in the order of `sort`. With filters, the percentages would not fit.

    What each row of the page needs to know of all lines is computed once.
    """

    frame: Frame
    subject: Subject
    address: Address
    known: KnownValues
    sort: str
    lines: Sequence[Line]
    trend: Trend = NO_TREND

    @classmethod
    def read(
        cls,
        queries: FindingsQueries,
        frame: Frame,
        subject: Subject,
        address: Address,
        request: FindingsRequest,
    ) -> Breakdown:
        """Raises what the queries raise."""
        chosen = replace(request.chosen, state=ALL_STATES)
        is_complete = chosen == FindingFilter(state=ALL_STATES) and not request.search
        tallies = queries.tallies(subject.column, chosen, request.search)
        lines = read_lines(queries, frame, subject, tallies, is_complete=is_complete)
        sort = (address.values("sort") or ("worst",))[0]
        trend = Trend(queries.trend("all").get("", ()) if is_complete else ())
        ordered = sorted(lines, key=_KEYS[sort])
        return cls(frame, subject, address, queries.known, sort, ordered, trend)

    @property
    def title(self) -> str:
        return f"{self.subject.plural}, tag compliance"

    @property
    def shown(self) -> Sequence[Line]:
        return self.lines[:MAX_ROWS]

    @property
    def left_out(self) -> int:
        return len(self.lines) - len(self.shown)

    @cached_property
    def severities(self) -> list[str]:
        """Those that occur, the most serious first."""
        return [s for s in SEVERITIES if any(line.counts.get(s) for line in self.lines)]

    @cached_property
    def has_share(self) -> bool:
        return any(line.whole for line in self.lines)

    @cached_property
    def has_trend(self) -> bool:
        return any(line.trend for line in self.lines)

    @cached_property
    def has_waived(self) -> bool:
        return any(line.waived for line in self.lines)

    def orders(self) -> list[tuple[str, str]]:
        shown = {**ORDERS, **_BY_SHARE} if self.has_share else ORDERS
        return [*shown.items()]

    def grade(self, line: Line) -> str:
        """The CSS class of the percentage."""
        snapshot = self.frame.state.snapshot
        if line.share is None or snapshot is None:
            return "empty"
        return str(snapshot.status.thresholds.grade(line.share))

    def total(self) -> Line:
        counts = {s: sum(line.counts.get(s, 0) for line in self.lines) for s in SEVERITIES}
        waived = sum(line.waived for line in self.lines)
        # Each rule counts the same resources again.
        added = () if self.subject.column == "rule" else self.lines
        part, whole = sum(line.part for line in added), sum(line.whole for line in added)
        return Line("", "All", "", counts, waived, (), part, whole, self.trend)

    def choices(self) -> list[Choice]:
        return [*choices(self.address, self.known)]

    def findings(self, line: Line, severity: str = "", state: str = "") -> Address:
        """The list of the findings that a number counts."""
        address = self.address.of(_FINDINGS, *FILTERS).without("state")
        if line.value:
            address = address.with_value(self.subject.parameter, line.value)
        return _more(address, severity=severity, state=state)

    def other(self, path: str) -> Address:
        """The same findings, counted by something else, or listed."""
        return self.address.of(path, *FILTERS)

    def sorted_by(self, sort: str) -> Address:
        return self.address.with_value("sort", sort)


def _more(address: Address, **filters: str) -> Address:
    for name, value in filters.items():
        address = address.with_value(name, value) if value else address
    return address


_KEYS: dict[str, Callable[[Line], Any]] = {
    "worst": lambda line: (line.rank, -line.waived, line.name),
    "name": lambda line: (line.name.lower(), line.value),
    "findings": lambda line: (-line.open, line.name),
    "compliance": lambda line: (101 if line.share is None else line.share, line.name),
}
