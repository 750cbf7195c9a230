"""The result of a benchmark: tables for people, records for programs, targets for both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, the names of the columns, and the rows as text."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        lines = [f"### {self.title}", "", f"| {' | '.join(self.columns)} |"]
        lines.append(f"| --- |{' ---: |' * (len(self.columns) - 1)}")
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join(lines)


@dataclass(slots=True)
class Report:
    """Of one benchmark; `skipped` says what was not measured and why.

    Each target is what is wanted, what was measured, and whether the target is met, as text.
    """

    name: str
    tables: list[Table] = field(default_factory=list)
    targets: list[tuple[str, str, str]] = field(default_factory=list)
    records: dict[str, Any] = field(default_factory=dict)
    skipped: str = ""

    def at_most(self, what: str, measured: float, bound: float, unit: str = "") -> None:
        self._add(f"{what}: at most {_short(bound)}{unit}", measured, unit, met=measured <= bound)

    def at_least(self, what: str, measured: float, bound: float, unit: str = "") -> None:
        self._add(f"{what}: at least {_short(bound)}{unit}", measured, unit, met=measured >= bound)

    def _add(self, target: str, measured: float, unit: str, *, met: bool) -> None:
        self.targets.append((target, f"{_short(measured)}{unit}", "met" if met else "**missed**"))


def markdown(reports: Sequence[Report]) -> str:
    """Every table, then what was skipped, then all targets."""
    blocks = [table.markdown() for report in reports for table in report.tables]
    blocks += [f"*{report.name}: {report.skipped}*" for report in reports if report.skipped]
    targets = [target for report in reports for target in report.targets]
    if targets:
        blocks.append(Table("Targets", ("target", "measured", ""), targets).markdown())
    return "\n\n".join(blocks)


def milliseconds(seconds: Iterable[float], digits: int = 2) -> list[str]:
    return [f"{1000 * value:.{digits}f} ms" for value in seconds]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
