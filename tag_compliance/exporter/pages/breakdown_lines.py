"""The lines of a page that counts findings: by account, owner, rule or type."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tag_compliance.domain.counts import Counts, percentage
from tag_compliance.domain.report_filter import NO_OWNER
from tag_compliance.exporter.findings_parameters import SEVERITIES
from tag_compliance.exporter.findings_queries import FindingsQueries, Tally
from tag_compliance.exporter.pages.frame import Frame, unread_reasons
from tag_compliance.exporter.pages.trend import NO_TREND, Trend


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page counts by: a column of the findings, and the filter that selects one value."""

    path: str
    plural: str
    noun: str
    column: str
    parameter: str
    share: str = ""
    """The name of the percentage; empty if there is none."""


SUBJECTS = (
    Subject("/accounts", "Accounts", "account", "account_id", "account", "Compliant"),
    Subject("/owners", "Owners", "owner", "owner", "owner"),
    Subject("/rules", "Rules", "rule", "rule", "rule", "Passing"),
    Subject("/types", "Types", "type", "resource_type", "type", "Compliant"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """The findings of one value. `counts` are open findings by severity; `note` says more about the
    value; `reasons` say why it was not fully read. `part` of `whole` resources are compliant.
    """

    value: str
    name: str
    note: str
    counts: Mapping[str, int]
    waived: int
    reasons: Sequence[str] = ()
    part: int = 0
    whole: int = 0
    trend: Trend = NO_TREND

    @property
    def open(self) -> int:
        return sum(self.counts.values())

    @property
    def share(self) -> float | None:
        return percentage(self.part, self.whole)

    @property
    def rank(self) -> tuple[int, ...]:
        """The worst line has the smallest: one critical finding is worse than many others."""
        return tuple(-self.counts.get(severity, 0) for severity in SEVERITIES)


@dataclass(frozen=True, slots=True)
class _Description:
    """What is known about a value, in addition to its findings."""

    name: str
    note: str = ""
    reasons: Sequence[str] = ()
    part: int = 0
    whole: int = 0


def read_lines(
    queries: FindingsQueries,
    frame: Frame,
    subject: Subject,
    tallies: Iterable[Tally],
    *,
    is_complete: bool,
) -> Iterator[Line]:
    """A line for each value that has findings; if the tallies are `is_complete`, also for values
    without, and with percentages. Raises what the queries raise.
    """
    counts = defaultdict[str, Counter[str]](Counter)
    waived = Counter[str]()
    for tally in tallies:
        value = tally.value or NO_OWNER
        if tally.state == "waived":
            waived[value] += tally.findings
        else:
            counts[value][tally.severity] += tally.findings
    described = _descriptions(queries, frame, subject)
    trends = queries.trend(subject.column) if is_complete else {}
    values = {**counts, **waived, **(described if is_complete else {})}
    for value in values:
        about = described.get(value, _Description(value))
        part, whole = (about.part, about.whole) if is_complete else (0, 0)
        open_ = counts.get(value, Counter())
        yield Line(
            *(value, about.name, about.note, open_, waived[value], about.reasons, part, whole),
            trend=Trend(trends.get(value, ())),
        )


def _descriptions(
    queries: FindingsQueries, frame: Frame, subject: Subject
) -> dict[str, _Description]:
    if subject.column == "rule":
        return {
            r["rule"]: _Description(r["rule"], r["title"], (), _passing(r), r["evaluated"])
            for r in queries.table("rules")
        }
    if subject.column == "resource_type":
        found = queries.counts_by("resource_type")
        return {v: _Description(v, "", (), *_share(c)) for v, c in found.items()}
    return _accounts(queries, frame) if subject.column == "account_id" else {}


def _passing(rule: Mapping[str, Any]) -> int:
    """A waived finding remains a finding."""
    return int(rule["evaluated"] - rule["violations"] - rule["waived"])


def _accounts(queries: FindingsQueries, frame: Frame) -> dict[str, _Description]:
    """The accounts of the scan, and those with findings."""
    scanned, found = frame.accounts, queries.counts_by("account_id")
    names = {a.account_id: (a.account_name, a.ou_path) for a in queries.known.accounts}
    names |= {id_: (a.account_name, a.ou_path) for id_, a in scanned.items()}
    described = {}
    for id_, (name, ou) in names.items():
        account, counts = scanned.get(id_), found.get(id_, Counts())
        reasons = unread_reasons(account) if account and not account.succeeded else ()
        note = " · ".join(filter(None, (id_, ou)))
        described[id_] = _Description(name, note, reasons, *_share(counts))
    return described


def _share(counts: Counts) -> tuple[int, int]:
    """The compliant of the counted resources; of none if no tag is required."""
    return (0, 0) if counts.compliant is None else (counts.compliant, counts.counted)
