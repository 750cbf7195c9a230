"""One division, one rounding rule, and two thresholds that grade compliance."""

from __future__ import annotations

import pytest

from tag_compliance.domain.counts import (
    Counts,
    Grade,
    Thresholds,
    floor_percentage,
    format_percentage,
    percentage,
)


def test_counts_add_up_number_by_number() -> None:
    assert Counts(4, 1, 3, 2) + Counts(1, 0, 1, 1) == Counts(5, 1, 4, 3)


def test_a_share_of_nothing_is_unknown() -> None:
    assert percentage(0, 0) is None
    assert Counts(5, 5, 0, 0).compliance_percentage is None


def test_without_a_required_tag_no_sum_of_resources_is_compliant() -> None:
    total = Counts(5, 1, 3, None) + Counts(1, 1, 0, 0)
    assert total == Counts(6, 2, 3, None)
    assert total.compliance_percentage is None


def test_what_is_returned_is_excluded_a_duplicate_or_counted() -> None:
    numbers = {"returned": 9, "excluded": 2, "duplicates": 3, "counted": 4, "compliant": 1}
    assert Counts(9, 2, 4, 1).numbers == numbers
    assert format_percentage(None) == "–"


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(1, 6, "16.6 %"), (293, 1000, "29.3 %"), (99_999, 100_000, "99.9 %"), (3, 3, "100.0 %")],
)
def test_percentages_are_rounded_down_so_that_only_all_is_100(
    part: int, whole: int, shown: str
) -> None:
    value = percentage(part, whole)
    assert value is not None
    assert format_percentage(value) == shown


@pytest.mark.parametrize("whole", [7, 200, 999, 1000])
def test_every_exact_tenth_is_shown_as_itself(whole: int) -> None:
    for part in range(whole + 1):
        exact = part * 1000 // whole
        assert floor_percentage(100.0 * part / whole) == exact / 10


@pytest.mark.parametrize(
    ("thresholds", "percentage", "grade"),
    [
        (Thresholds(), 100.0, Grade.GOOD),
        (Thresholds(), 95.0, Grade.GOOD),
        (Thresholds(), 94.999, Grade.FAIR),
        (Thresholds(), 80.0, Grade.FAIR),
        (Thresholds(), 79.999, Grade.POOR),
        (Thresholds(), 0.0, Grade.POOR),
        (Thresholds(good=90, poor=90), 90.0, Grade.GOOD),
        (Thresholds(good=90, poor=90), 89.9, Grade.POOR),
    ],
)
def test_a_percentage_is_good_from_one_threshold_and_poor_below_the_other(
    thresholds: Thresholds, percentage: float, grade: Grade
) -> None:
    assert thresholds.grade(percentage) is grade
