"""What a reading run stores of an account, which reading counts, and what a kill leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.counts import Counts
from tag_compliance.domain.read_status import Reason
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
        ("delete", f"tables/failed_readings/{ONE}.parquet"): 1,
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
    tables.settle(config, LATER)
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
        assert (counts.counted, status.reason) == (4, Reason.INTERNAL), "nothing else was read"
