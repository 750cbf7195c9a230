"""Which of two readings of an account counts, whatever the clocks of their hosts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import Reason
from tag_compliance.pipeline.account_writer import next_reading_run
from tag_compliance_tests.pipeline.tables import HOME, ONE, Tables, account, config_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
OK, FAILED = Reason.OK, Reason.TIMEOUT
CONFIG = config_of()


def stored_at(tables: Tables) -> tuple[datetime, datetime]:
    """Of the inventory and of the evaluation."""
    inventory, evaluation = tables.load(ONE)
    return inventory.status.started_at, evaluation.status.started_at


@pytest.mark.parametrize("reason", [OK, FAILED])
@pytest.mark.parametrize("behind", [timedelta(minutes=4), timedelta(hours=2)])
def test_a_run_that_begins_after_the_end_of_another_replaces_it_although_its_clock_is_behind(
    tables: Tables, behind: timedelta, reason: Reason
) -> None:
    tables.store(CONFIG, NOON, account(ONE, HOME, at=NOON))
    tables.store(CONFIG, NOON - behind, account(ONE, HOME, reason=reason, at=NOON - behind))
    tables.settle(CONFIG, NOON)
    assert stored_at(tables) == (NOON - behind, NOON - behind)
    assert tables.warnings == []


@pytest.mark.parametrize(
    ("stored", "minutes_later", "new", "replaces"),
    [
        (OK, 5, OK, True),
        (OK, -5, OK, False),
        (FAILED, -5, OK, True),
        (FAILED, 5, OK, True),
        (OK, 5, FAILED, True),
        (OK, -5, FAILED, False),
    ],
)
@pytest.mark.parametrize("settled", [True, False])
def test_of_two_readings_that_overlap_the_successful_or_the_later_one_counts(
    tables: Tables,
    stored: Reason,
    minutes_later: int,
    new: Reason,
    replaces: bool,
    settled: bool,
) -> None:
    """Whether or not the stored one is published before the new one is stored."""
    overlapping = tables.writer(CONFIG, NOON)
    tables.store(CONFIG, NOON, account(ONE, HOME, reason=stored, at=NOON))
    if settled:
        tables.settle(CONFIG, NOON)
    at = NOON + timedelta(minutes=minutes_later)
    overlapping.store(account(ONE, HOME, reason=new, at=at))
    tables.settle(CONFIG, NOON)
    assert stored_at(tables) == ((at, at) if replaces else (NOON, NOON))
    assert len(tables.warnings) == (not replaces)


def test_a_reading_of_a_clock_that_is_far_ahead_is_replaced_with_a_warning(tables: Tables) -> None:
    overlapping, now = tables.writer(CONFIG, utc_now()), utc_now()
    ahead = now + timedelta(hours=2)
    tables.store(CONFIG, ahead, account(ONE, HOME, at=ahead))
    assert overlapping.store(account(ONE, HOME, reason=FAILED, at=now)) is not None
    tables.settle(CONFIG, NOON)
    assert stored_at(tables) == (now, now)
    (warning,) = tables.warnings
    assert warning.startswith(f"{ONE} (name-111): the stored reading is of {ahead:%Y-%m-%d %H:%M}")


@pytest.mark.parametrize("data", [b"damaged", None])
def test_without_the_number_of_runs_the_times_decide(tables: Tables, data: bytes | None) -> None:
    for _ in range(3):
        tables.store(CONFIG, NOON, account(ONE, HOME, at=NOON))
    if data is None:
        tables.storage.delete("tables/reading_runs")
    else:
        tables.storage.write("tables/reading_runs", data)
    earlier = tables.writer(CONFIG, NOON)
    assert earlier.store(account(ONE, HOME, at=NOON - timedelta(minutes=5))) is None
    assert earlier.store(account(ONE, HOME, at=NOON + timedelta(minutes=5))) is not None


def test_reading_runs_are_numbered_in_the_order_in_which_they_begin(tables: Tables) -> None:
    assert [next_reading_run(tables.storage) for _ in range(3)] == [1, 2, 3]
