"""The page of findings: search, filters, order, pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.exporter.findings_parameters import FILTERS, FindingsRequest
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.findings_values import KnownValues
from tag_compliance.exporter.formatting import format_count
from tag_compliance.exporter.pages.address import Address
from tag_compliance.exporter.pages.breakdown_lines import SUBJECTS
from tag_compliance.exporter.pages.filters import (
    Choice,
    Field,
    choices,
    fields,
    unknown_values,
)
from tag_compliance.exporter.pages.frame import Frame
from tag_compliance.exporter.pages.resource import resource_address

PATH = "/findings"
DEFAULTS = {"sort": "severity", "limit": "50"}
_COLUMNS = (
    ("Severity", "severity"),
    ("Resource, by type", "type"),
    ("Rule", "rule"),
    ("Account", "report"),
    ("Region", "region"),
    ("Owner", "owner"),
    ("Age", "age"),
)
_ORDERS = (
    ("", "most serious first"),
    ("age", "oldest first"),
    ("-age", "newest first"),
    ("type", "type"),
    ("rule", "rule"),
    ("report", "account"),
    ("region", "region"),
    ("owner", "owner"),
)
_SIZES = (("", "50"), ("100", "100"), ("200", "200"))
_FINDINGS = {"open": "open finding", "waived": "waived finding", "all": "finding"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that sorts: its link leads to its order, or to the reverse if that is in use."""

    label: str
    address: Address
    direction: str


@dataclass(frozen=True, slots=True)
class FindingsPage:
    """`rows` are some of `count` findings; the addresses of neighbouring pages are None without."""

    frame: Frame
    address: Address
    request: FindingsRequest
    known: KnownValues
    rows: Sequence[ReportRow]
    count: int
    previous: Address | None
    next: Address | None

    @classmethod
    def read(
        cls, queries: FindingsQueries, frame: Frame, address: Address, request: FindingsRequest
    ) -> FindingsPage:
        """Raises what the queries raise."""
        chosen, search = request.chosen, request.search
        page = queries.page(chosen, search, request.sort, request.limit, request.cursor)
        before, after = (
            None if cursor is None else address.with_value("cursor", cursor)
            for cursor in (page.previous_cursor, page.next_cursor)
        )
        count = queries.count(chosen, search)
        return cls(frame, address, request, queries.known, page.rows, count, before, after)

    @property
    def title(self) -> str:
        return f"{self.count_text}, tag compliance"

    @property
    def count_text(self) -> str:
        noun = _FINDINGS[self.request.chosen.state]
        return f"{format_count(self.count)} {noun}{'' if self.count == 1 else 's'}"

    @property
    def search(self) -> str:
        return self.request.search

    def fields(self) -> Iterator[Field]:
        yield from fields(self.address, self.known, shows_values=self.frame.shows_values)
        yield self._field("sort", "Order", _ORDERS)
        yield self._field("limit", "On a page", _SIZES)

    def choices(self) -> list[Choice]:
        return [*choices(self.address, self.known)]

    def unknown(self) -> list[str]:
        return [*unknown_values(self.request.chosen, self.known)]

    def columns(self) -> Iterator[Column]:
        name, is_reversed = self.request.sort.removeprefix("-"), self.request.sort.startswith("-")
        for label, sort in _COLUMNS:
            used = sort == name
            to = f"-{sort}" if used and not is_reversed else sort
            direction = ("descending" if is_reversed else "ascending") if used else ""
            yield Column(label, self.address.with_value("sort", to), direction)

    def downloads(self) -> list[tuple[str, Address]]:
        return [
            ("CSV", self.address.of("/findings.csv", *FILTERS)),
            ("JSON lines", self.address.of("/findings.jsonl", *FILTERS)),
        ]

    def breakdowns(self) -> list[tuple[str, Address]]:
        """The pages that count these findings by something."""
        names = [name for name in FILTERS if name != "state"]
        return [(by.noun, self.address.of(by.path, *names)) for by in SUBJECTS]

    @staticmethod
    def resource(row: ReportRow) -> Address:
        return resource_address(row.arn, row.account_id)

    def only(self, name: str, value: str) -> Address:
        """These findings with one more filter."""
        return self.address.with_value(name, value)

    def _field(self, name: str, label: str, options: tuple[tuple[str, str], ...]) -> Field:
        """A list whose empty value is the default, so that addresses are short."""
        value = (*self.address.values(name), "")[0]
        default = DEFAULTS[name]
        value = "" if value == default else value
        missing = () if value in dict(options) else ((value, value),)
        return Field(name, label, (*options, *missing), value)
