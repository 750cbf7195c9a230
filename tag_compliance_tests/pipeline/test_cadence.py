"""From an interval in seconds to the minutes at which it scans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from dagster._utils.schedules import cron_string_iterator
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.pipeline.schedule import Cadence

MIDNIGHT = datetime(2026, 5, 4, tzinfo=UTC)
DAY = 86_400


@pytest.mark.parametrize(
    ("seconds", "cron"),
    [
        (10, "* * * * *"),
        (60, "* * * * *"),
        (90, "* * * * *"),
        (120, "*/2 * * * *"),
        (300, "*/5 * * * *"),
        (420, "* * * * *"),
        (1_800, "*/30 * * * *"),
        (2_700, "* * * * *"),
        (3_600, "0 * * * *"),
        (5_400, "* * * * *"),
        (7_200, "0 */2 * * *"),
        (18_000, "0 * * * *"),
        (43_200, "0 */12 * * *"),
        (86_400, "0 0 * * *"),
        (129_600, "0 * * * *"),
        (604_800, "0 0 * * *"),
    ],
)
def test_the_cron_expression_is_the_coarsest_that_does(seconds: int, cron: str) -> None:
    assert Cadence(seconds).cron == cron


@pytest.mark.parametrize(
    ("seconds", "last", "tick", "due"),
    [
        (300, None, 0, True),
        (300, 0, 0, False),
        (300, 0, 240, False),
        (300, 0, 300, True),
        (300, 299, 300, True),
        (300, 300, 540, False),
        (300, 0, 900, True),
        (90, 0, 60, False),
        (90, 0, 120, True),
        (90, 120, 180, True),
        (90, 180, 240, False),
        (30, 0, 60, True),
        (DAY, 60, DAY, True),
        (2 * DAY, 0, DAY, False),
    ],
)
def test_a_tick_is_due_when_a_multiple_lies_between_it_and_the_last_scan(
    seconds: int, last: int | None, tick: int, due: bool
) -> None:
    # A time that is a multiple of each of these intervals.
    start = datetime(1970, 1, 1, tzinfo=UTC)
    before = None if last is None else start + timedelta(seconds=last)
    assert Cadence(seconds).is_due(start + timedelta(seconds=tick), before) is due


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 1_440), st.integers(0, 50))
def test_over_a_day_of_minutes_the_number_of_scans_is_that_of_the_interval(
    minutes: int, late: int
) -> None:
    """Each scan begins a few seconds after its tick, as the daemon does it."""
    cadence = Cadence(minutes * 60)
    last = MIDNIGHT
    scans = 0
    for tick in cron_string_iterator(MIDNIGHT.timestamp() + 1, cadence.cron, "UTC"):
        if tick > MIDNIGHT + timedelta(days=1):
            break
        if cadence.is_due(tick, last):
            scans += 1
            last = tick + timedelta(seconds=late)
    start = int(MIDNIGHT.timestamp())
    wanted = (start + DAY) // cadence.seconds - start // cadence.seconds
    assert scans == wanted
