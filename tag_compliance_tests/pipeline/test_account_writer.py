"""What a reading run stores of an account, which reading counts, and what a kill leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import Counts
from tag_compliance.domain.read_status import Reason
from tag_compliance.pipeline.account_writer import next_reading_run
from tag_compliance.storage.base import Storage
from tag_compliance_tests.domain.organizations import NOON
from tag_compliance_tests.pipeline.tables import (
    AWAY,
    CONFIG,
    HOME,
    LATER,
    ONE,
    TWO,
    Tables,
    account,
    config_of,
    evaluation_file,
    inventory_file,
)
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage

OK, FAILED = Reason.OK, Reason.TIMEOUT


def test_an_account_is_written_as_one_inventory_and_one_evaluation_and_nothing_is_read_back(
    tables: Tables,
) -> None:
    tables.store(CONFIG, NOON, account(ONE, HOME, AWAY, at=NOON))
    assert tables.operations == {
        ("update", "tables/reading_runs"): 1,
        ("read", "tables/reading_runs"): 1,
        ("update", inventory_file(ONE)): 1,
        ("update", evaluation_file(ONE)): 1,
    }
    inventory, evaluation = tables.load(ONE)
    assert evaluation.summary.total == Counts(returned=4, excluded=0, counted=4, compliant=2)
    assert evaluation.status == inventory.status
    assert len(evaluation.findings()) == 4


def test_an_account_is_evaluated_on_the_day_on_which_its_scan_started(tables: Tables) -> None:
    before_midnight = NOON.replace(hour=23, minute=59, second=59)
    read_at = before_midnight + timedelta(seconds=2)
    tables.store(CONFIG, before_midnight, account(ONE, HOME, at=read_at))
    _, evaluation = tables.load(ONE)
    assert evaluation.basis.day == date(2026, 5, 4)


@pytest.mark.parametrize(("on_failure", "counted"), [("drop", 0), ("keep_last", 2)])
def test_a_failed_account_is_evaluated_with_the_rows_that_it_keeps(
    tables: Tables, on_failure: str, counted: int
) -> None:
    config = config_of(on_failure=on_failure)
    tables.store(config, NOON, account(ONE, HOME, at=NOON))
    tables.store(config, LATER, account(ONE, HOME, reason=Reason.THROTTLED, at=LATER))
    inventory, evaluation = tables.load(ONE)
    assert len(inventory.resources) == 2
    assert evaluation.summary.total.counted == counted
    assert evaluation.status.reason is Reason.THROTTLED


def test_an_earlier_reading_changes_nothing_and_is_reported(tables: Tables) -> None:
    earlier = tables.writer(CONFIG, NOON)
    tables.store(CONFIG, LATER, account(ONE, HOME, at=LATER))
    before = [tables.storage.read(name(ONE)) for name in (inventory_file, evaluation_file)]
    assert earlier.store(account(ONE, HOME, good=5, at=NOON)) is None
    assert [tables.storage.read(n(ONE)) for n in (inventory_file, evaluation_file)] == before
    assert tables.warnings == [f"{ONE} (name-111): a later scan has stored this account"]


class _Killed(InterceptedStorage):
    """Ends before it replaces the object with this name, when its new content is known."""

    def __init__(self, behind: Storage, name: str) -> None:
        super().__init__(behind, lambda _operation, _name: None)
        self._name = name

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        if name != self._name:
            return super().update(name, decide)
        stored = self.read(name)
        decide(stored.data if stored else None)
        raise KeyboardInterrupt


@pytest.mark.parametrize("read_since", [None, LATER])
@pytest.mark.parametrize("file", [evaluation_file(ONE), inventory_file(ONE), inventory_file(TWO)])
def test_an_account_is_published_consistently_wherever_the_process_was_killed(
    tables: Tables, file: str, read_since: datetime | None
) -> None:
    """Before its evaluation is stored, between its two files, or afterwards."""
    tables.store(CONFIG, NOON, account(ONE, HOME, AWAY, at=NOON))
    undamaged = tables.storage
    tables.storage = _Killed(undamaged, file)
    second_scan = account(ONE, HOME, AWAY, good=7, at=LATER), account(TWO, HOME, AWAY, at=LATER)
    with pytest.raises(KeyboardInterrupt):
        tables.store(CONFIG, LATER, *second_scan)
    tables.storage = undamaged
    results = tables.merge(CONFIG, LATER, read_since).results
    counts, status = results.summary.by_account[AccountId(ONE)], results.statuses[0]
    if file != evaluation_file(ONE):
        assert (counts.counted, status.started_at) == (16, LATER)
    elif read_since is None:
        assert (counts.counted, status.started_at) == (4, NOON)
    else:
        assert (counts.counted, status.reason) == (0, Reason.INTERNAL)


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
        (FAILED, -5, FAILED, False),
    ],
)
def test_of_two_readings_that_overlap_the_successful_or_the_later_one_counts(
    tables: Tables, stored: Reason, minutes_later: int, new: Reason, replaces: bool
) -> None:
    overlapping = tables.writer(CONFIG, NOON)
    tables.store(CONFIG, NOON, account(ONE, HOME, reason=stored, at=NOON))
    at = NOON + timedelta(minutes=minutes_later)
    evaluation = overlapping.store(account(ONE, HOME, reason=new, at=at))
    assert (evaluation is not None) is replaces
    assert stored_at(tables) == ((at, at) if replaces else (NOON, NOON))
    assert len(tables.warnings) == (not replaces)


def test_a_reading_of_a_clock_that_is_far_ahead_is_replaced_with_a_warning(tables: Tables) -> None:
    overlapping, now = tables.writer(CONFIG, utc_now()), utc_now()
    ahead = now + timedelta(hours=2)
    tables.store(CONFIG, ahead, account(ONE, HOME, at=ahead))
    assert overlapping.store(account(ONE, HOME, reason=FAILED, at=now)) is not None
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
