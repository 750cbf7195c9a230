"""The open findings of recent days as a small line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tag_compliance.exporter.formatting import format_count

WIDTH, HEIGHT = 100, 20
_MARGIN = 1


@dataclass(frozen=True, slots=True)
class Trend:
    """`days` are dates (`2026-05-04`), in their order, with the numbers at their end."""

    days: Sequence[tuple[str, int]] = ()

    def __bool__(self) -> bool:
        """Whether there is a line: it needs two days."""
        return len(self.days) > 1

    @property
    def text(self) -> str:
        (first, before), (last, after) = self.days[0], self.days[-1]
        return f"{format_count(before)} on {first}, {format_count(after)} on {last}"

    @property
    def points(self) -> str:
        """Of an SVG polyline: days by their distance, numbers from 0 at the bottom."""
        begin = date.fromisoformat(self.days[0][0])
        offsets = [(date.fromisoformat(day) - begin).days for day, _ in self.days]
        most = max(1, *(count for _, count in self.days))
        height = HEIGHT - 2 * _MARGIN
        return " ".join(
            f"{WIDTH * offset / offsets[-1]:.1f},{HEIGHT - _MARGIN - height * count / most:.1f}"
            for offset, (_, count) in zip(offsets, self.days, strict=True)
        )

    @property
    def direction(self) -> str:
        """The CSS class: `better`, `worse` or `same`."""
        before, after = self.days[0][1], self.days[-1][1]
        return "same" if before == after else "better" if after < before else "worse"


NO_TREND = Trend()
