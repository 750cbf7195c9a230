"""Two thresholds grade compliance."""

from __future__ import annotations

import pytest

from tag_compliance.domain.thresholds import Grade, Thresholds


@pytest.mark.parametrize(
    ("percentage", "grade"),
    [
        (100.0, Grade.GOOD),
        (95.0, Grade.GOOD),
        (94.999, Grade.FAIR),
        (80.0, Grade.FAIR),
        (79.999, Grade.POOR),
        (0.0, Grade.POOR),
    ],
)
def test_a_percentage_is_good_from_one_threshold_and_poor_below_the_other(
    percentage: float, grade: Grade
) -> None:
    assert Thresholds(good=95, poor=80).grade(percentage) is grade


def test_equal_thresholds_leave_nothing_between_good_and_poor() -> None:
    equal = Thresholds(good=90, poor=90)

    assert (equal.grade(90.0), equal.grade(89.9)) == (Grade.GOOD, Grade.POOR)


def test_the_default_thresholds_are_95_and_80_per_cent() -> None:
    assert Thresholds() == Thresholds(good=95.0, poor=80.0)
