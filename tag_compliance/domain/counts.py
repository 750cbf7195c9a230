"""The numbers that describe any set of resources; the one division, rounding rule and grading.

Only the standard library is used here, so that the exporter shows the same numbers as the pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

COVERAGE = (
    "The percentages cover the resources that AWS's tagging API returns: those that have or once "
    "had a tag, without IAM users and roles and Auto Scaling groups; deleted ones can be included "
    "for some hours."
)
"""One sentence for people, wherever they see a percentage of the whole scan."""


class Exclusion(StrEnum):
    """Why a resource is not counted; each excluded resource has the first reason that applies."""

    PATTERN = "pattern"
    """A pattern of `excluded_resource_types` matches its type."""

    AWS_OWNED = "aws_owned"
    """AWS created and owns it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """`returned` by AWS, `excluded` for any reason, `counted`, and `compliant` of the counted.

    If no tag is required, `compliant` is None: no resource is compliant or noncompliant.
    """

    returned: int = 0
    excluded: int = 0
    counted: int = 0
    compliant: int | None = 0

    def __add__(self, other: Counts) -> Counts:
        one, two = self.compliant, other.compliant
        return Counts(
            self.returned + other.returned,
            self.excluded + other.excluded,
            self.counted + other.counted,
            None if one is None or two is None else one + two,
        )

    @property
    def duplicates(self) -> int:
        """How often AWS returned an ARN again, on another page or from another source."""
        return self.returned - self.excluded - self.counted

    @property
    def numbers(self) -> dict[str, int | None]:
        """Every number by its name; the excluded, the duplicates and the counted are all that were
        returned.
        """
        return {
            "returned": self.returned,
            "excluded": self.excluded,
            "duplicates": self.duplicates,
            "counted": self.counted,
            "compliant": self.compliant,
        }

    @property
    def compliance_percentage(self) -> float | None:
        """The compliant share of the counted resources, in per cent; None if nothing is counted
        or no tag is required.
        """
        return None if self.compliant is None else percentage(self.compliant, self.counted)


def percentage(part: float, whole: float) -> float | None:
    """The share of `part` in `whole`, in per cent; None if `whole` is 0: it is unknown then."""
    return 100.0 * part / whole if whole else None


def floor_percentage(value: float) -> float:
    """Rounded down to one decimal: the rounding rule of every percentage that people see.

    Rounding down, because only complete compliance may be shown as 100 %.
    """
    # The product is rounded first, because 29.3 times 10 can be a little less than 293.
    return int(round(value * 10, 6)) / 10


def format_percentage(value: float | None) -> str:
    """For example `83.3 %`; a dash if the percentage is unknown."""
    return "–" if value is None else f"{floor_percentage(value):.1f} %"


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
