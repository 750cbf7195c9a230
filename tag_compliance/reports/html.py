"""HTML for people: one file with charts and a table, without scripts and without other content.

It can be mailed and opened without a network. The template escapes every value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

from tag_compliance.domain.counts import Counts, format_percentage
from tag_compliance.domain.report_filter import NO_OWNER
from tag_compliance.domain.report_row import ReportRow, format_time
from tag_compliance.reports.context import SEVERITIES, ReportContext

if TYPE_CHECKING:
    from jinja2 import Template

SHOWN_ROWS = 1_000
"""Rows of the table, the most serious ones; a browser needs seconds for 100,000."""

_SHOWN_BARS = 15
_BAR_WIDTH = 420


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart: `width` is in the units of the drawing."""

    label: str
    text: str
    width: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Horizontal bars; `hidden` counts those that are not shown."""

    title: str
    bars: tuple[Bar, ...]
    hidden: int


@dataclass
class _Totals:
    """What is known after the last row: counts, and the rows of the table."""

    rows: int = 0
    by_severity: Counter[str] = field(default_factory=Counter)
    by_rule: Counter[str] = field(default_factory=Counter)
    by_account: Counter[str] = field(default_factory=Counter)
    by_owner: Counter[str] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)
    by_state: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[ReportRow]] = field(default_factory=lambda: {s: [] for s in SEVERITIES})

    def add(self, row: ReportRow) -> None:
        self.rows += 1
        self.by_severity[row.severity] += 1
        self.by_rule[row.rule] += 1
        self.by_account[f"{row.account_id} {row.account_name}"] += 1
        self.by_owner[row.owner or NO_OWNER] += 1
        self.by_type[row.resource_type] += 1
        self.by_state[row.state] += 1
        first = self.first[row.severity]
        if len(first) < SHOWN_ROWS:
            first.append(row)

    @property
    def table(self) -> list[ReportRow]:
        """The most serious rows, those of one severity in the order of the report."""
        return [row for severity in SEVERITIES for row in self.first[severity]][:SHOWN_ROWS]

    def charts(self) -> Iterator[Chart]:
        """That of the owners only if a resource has one."""
        severities = [(s, self.by_severity[s]) for s in SEVERITIES]
        yield _chart("By severity", severities, coloured=True)
        yield _chart("By rule", self.by_rule.most_common())
        yield _chart("By account", self.by_account.most_common())
        if self.by_owner.keys() != {NO_OWNER}:
            yield _chart("By owner", self.by_owner.most_common())
        yield _chart("By resource type", self.by_type.most_common())


def write_html(rows: Iterable[ReportRow], context: ReportContext, sink: BinaryIO) -> None:
    """The page; with more than `SHOWN_ROWS` rows it says how many the table leaves out."""
    totals = _Totals()
    for row in rows:
        totals.add(row)
    total = sum((account.counts for account in context.accounts), Counts())
    page = _template().stream(context=context, totals=totals, total=total)
    sink.writelines(piece.encode("utf-8", "replace") for piece in page)


def _chart(title: str, counts: Sequence[tuple[str, int]], *, coloured: bool = False) -> Chart:
    largest = max((count for _, count in counts), default=0) or 1
    bars = tuple(
        Bar(label, f"{count:,}", _BAR_WIDTH * count / largest, label if coloured else "")
        for label, count in counts[:_SHOWN_BARS]
    )
    return Chart(title, bars, len(counts) - len(bars))


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tag_compliance.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        time=format_time, percentage=format_percentage, count=lambda number: f"{number:,}"
    )
    return environment.get_template("report.html")
