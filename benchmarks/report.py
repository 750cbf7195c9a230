"""What a benchmark found: tables for people, records for programs, targets for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked for and what was measured, in words, and whether it is enough."""

    asked: str
    measured: str
    met: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, the columns' names, and rows as they are to be shown."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(slots=True)
class Report:
    """Of one benchmark; `skipped` says why there is none."""

    name: str
    tables: list[Table] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    records: dict[str, Any] = field(default_factory=dict)
    skipped: str = ""

    def at_most(self, what: str, measured: float, bound: float, unit: str = "") -> None:
        asked = f"{what}: at most {_short(bound)}{unit}"
        self.targets.append(Target(asked, f"{_short(measured)}{unit}", measured <= bound))

    def at_least(self, what: str, measured: float, bound: float, unit: str = "") -> None:
        asked = f"{what}: at least {_short(bound)}{unit}"
        self.targets.append(Target(asked, f"{_short(measured)}{unit}", measured >= bound))


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
