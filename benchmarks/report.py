"""The result of a benchmark: tables for people, records for programs, targets for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """The target and the measured value, as text, and whether the target is met."""

    target: str
    measured: str
    met: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, the names of the columns, and the rows as text."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(slots=True)
class Report:
    """Of one benchmark; `skipped` says what was not measured and why."""

    name: str
    tables: list[Table] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    records: dict[str, Any] = field(default_factory=dict)
    skipped: str = ""

    def at_most(self, what: str, measured: float, bound: float, unit: str = "") -> None:
        target = f"{what}: at most {_short(bound)}{unit}"
        self.targets.append(Target(target, f"{_short(measured)}{unit}", measured <= bound))

    def at_least(self, what: str, measured: float, bound: float, unit: str = "") -> None:
        target = f"{what}: at least {_short(bound)}{unit}"
        self.targets.append(Target(target, f"{_short(measured)}{unit}", measured >= bound))


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
