"""The two thresholds that grade compliance on every surface."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How a percentage is presented."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """In per cent: compliance of at least `good` is good, below `poor` it is poor."""

    good: float = 95.0
    poor: float = 80.0

    def grade(self, percentage: float) -> Grade:
        if percentage >= self.good:
            return Grade.GOOD
        return Grade.POOR if percentage < self.poor else Grade.FAIR
