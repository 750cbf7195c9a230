"""The stored histories are those of the scans, also after a kill at any step."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.history.kinds import KINDS, WHYS
from tag_compliance.tables.history_days import HistoryDays
from tag_compliance_tests.domain.history.naive import NaiveHistory
from tag_compliance_tests.domain.history.published import samples_of
from tag_compliance_tests.domain.history.worlds import sequence, sequences
from tag_compliance_tests.tables.histories import content, day_rows, histories, no_warning, update
from tag_compliance_tests.tables.memory_storage import MemoryStorage


@settings(deadline=None, max_examples=15)
@given(sequences())
def test_metrics_and_files_by_day_are_those_of_the_simple_history(
    scans: list[dict[str, Any]],
) -> None:
    storage, naive = MemoryStorage(), NaiveHistory()
    for scan in scans:
        figures = update(storage, scan)
        naive.scan(scan)
        assert samples_of(figures) == naive.samples(scan)
    closed = [
        (r["account_id"], r["rule"], r["arn"], r["closed_why"], r["opened_at"], r["closed_at"])
        for r in day_rows(storage, "closed")
    ]
    expected = [
        (e["account"], e["rule"], e["arn"], e["why"], e["opened_at"], e["closed_at"])
        for e in naive.events
        if e["what"] == "closed"
    ]
    assert sorted(closed) == sorted(expected)
    assert _daily_events(storage) == _events_by_day(naive)


def _daily_events(storage: MemoryStorage) -> Counter[tuple[Any, ...]]:
    found = Counter[tuple[Any, ...]]()
    for row in day_rows(storage, "daily"):
        where = row["date"], row["account_id"], row["rule"]
        found.update({(*where, "opened", kind): row[f"opened_{kind}"] for kind in KINDS})
        found.update({(*where, "closed", why): row[f"closed_{why}"] for why in WHYS})
        found[*where, "returned", ""] += row["returned"]
    return +found


def _events_by_day(naive: NaiveHistory) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            e["at"].date(),
            e["account"],
            e["rule"],
            e["what"],
            {"opened": e.get("kind"), "closed": e.get("why")}.get(e["what"], ""),
        )
        for e in naive.events
    )


def test_the_same_scan_again_changes_no_stored_byte() -> None:
    storage = MemoryStorage()
    for scan in sequence(7, 12):
        first = update(storage, scan)
        before = dict(storage.objects)
        assert samples_of(update(storage, scan)) == samples_of(first)
        assert storage.objects == before


class _KilledError(Exception):
    """The process ends here."""


def _kill_at(step: int) -> Callable[[str, str], None]:
    """Raises at the n-th read or change of a storage."""
    steps = iter(range(step, -1, -1))

    def before(operation: str, name: str) -> None:
        if next(steps, 1) == 0:
            raise _KilledError

    return before


_SCANS = sequence(11, 6)


def _killed(step: int, at: int) -> tuple[MemoryStorage, bool]:
    """A storage in which the scan at this place was killed at this step, and whether it was."""
    storage = MemoryStorage()
    for scan in _SCANS[:at]:
        update(storage, scan)
    storage.before = _kill_at(step)
    try:
        update(storage, _SCANS[at])
    except _KilledError:
        return storage, True
    finally:
        storage.before = lambda _operation, _name: None
    return storage, False


@pytest.mark.parametrize("at", range(len(_SCANS)))
def test_after_a_kill_at_any_step_the_same_scan_again_leads_to_the_same_history(at: int) -> None:
    expected = MemoryStorage()
    for scan in _SCANS[: at + 1]:
        update(expected, scan)
    step, was_killed = 0, True
    while was_killed:
        storage, was_killed = _killed(step, at)
        update(storage, _SCANS[at])
        assert content(storage) == content(expected)
        step += 1
    assert step > 4


@pytest.mark.parametrize("at", range(len(_SCANS) - 1))
def test_after_a_kill_at_any_step_the_next_scan_counts_nothing_twice(at: int) -> None:
    step, was_killed = 0, True
    while was_killed:
        storage, was_killed = _killed(step, at)
        for scan in _SCANS[at + 1 :]:
            update(storage, scan)
        _assert_consistent(storage)
        step += 1


def _assert_consistent(storage: MemoryStorage) -> None:
    """The counters, the files by day and the open findings describe the same events."""
    closed, opened, open_ = Counter[Any](), Counter[Any](), Counter[Any]()
    for account_id, history in histories(storage).items():
        for rule, counters in history.counters.items():
            closed[account_id, rule] += sum(counters.closed)
            opened[account_id, rule] += sum(counters.opened)
        for row in history.tracked.to_pylist():
            open_[account_id, row["rule"]] += row["state"] == "open"
    rows = day_rows(storage, "closed")
    assert Counter((r["account_id"], r["rule"]) for r in rows) == +closed
    assert len({(r["account_id"], r["arn"], r["rule"], r["sequence"]) for r in rows}) == len(rows)
    returned = Counter[Any]()
    for row in day_rows(storage, "daily"):
        returned[row["account_id"], row["rule"]] += row["returned"]
    for key in {*opened, *closed, *open_, *returned}:
        assert opened[key] + returned[key] - closed[key] == open_[key]


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_a_damaged_history_is_reported_and_stays_as_it_is(data: st.DataObject) -> None:
    storage, scans = MemoryStorage(), sequence(5, 4)
    for scan in scans[:3]:
        update(storage, scan)
    name = data.draw(st.sampled_from(storage.names("tables/history/")))
    good = storage.objects[name]
    kind = data.draw(st.sampled_from(["cut", "changed", "foreign"]))
    if kind == "cut":
        damaged = good[: data.draw(st.integers(0, len(good) - 1))]
    elif kind == "foreign":
        damaged = data.draw(st.binary(max_size=50))
    else:
        at = data.draw(st.integers(0, len(good) - 1))
        damaged = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    storage.objects[name] = damaged
    warnings: list[str] = []
    figures = update(storage, scans[3], warnings.append)
    if figures.unreadable:
        assert storage.objects[name] == damaged
        [warning] = warnings
        assert "\n" not in warning
        assert "restore the object from a backup" in warning
        assert figures.time_to_fix is None
        account_ids = [account.history.account_id for account in figures.accounts]
        assert name.removesuffix(".zip")[-12:] not in account_ids


def test_a_history_that_would_become_huge_is_not_decompressed() -> None:
    storage, scans = MemoryStorage(), sequence(5, 4)
    update(storage, scans[0])
    [name, *_] = storage.names("tables/history/")
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(storage.objects[name])) as good,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for file in good.namelist():
            bomb.writestr(file, good.read(file))
    storage.objects[name] = packed.getvalue()
    warnings: list[str] = []
    assert update(storage, scans[1], warnings.append).unreadable
    assert ["its files are compressed" in warning for warning in warnings] == [True]


def test_without_the_damaged_history_the_counters_of_the_others_go_on() -> None:
    storage, whole, scans = MemoryStorage(), MemoryStorage(), sequence(5, 6)
    for scan in scans[:3]:
        update(storage, scan)
        update(whole, scan)
    damaged, other = storage.names("tables/history/")
    storage.objects[damaged] = b"damaged"
    for scan in scans[3:]:
        figures, expected = update(storage, scan, lambda _text: None), update(whole, scan)
    account = other.removesuffix(".zip")[-12:]
    assert _of_account(samples_of(figures), account) == _of_account(samples_of(expected), account)
    assert not [name for name, _ in samples_of(figures) if "time_to_fix" in name]


def _of_account(samples: dict[Any, float], account_id: str) -> dict[Any, float]:
    return {key: v for key, v in samples.items() if ("account_id", account_id) in key[1]}


def test_files_older_than_the_retention_are_deleted_and_open_findings_stay() -> None:
    storage, scans = MemoryStorage(), sequence(3, 10)
    for scan in scans:
        update(storage, scan, retention=timedelta(days=10))
    last = scans[-1]["at"] - timedelta(days=10)
    for table in ("closed", "daily"):
        names = storage.names(f"tables/history_{table}/")
        assert all(name[-18:-8] >= f"{last:%Y-%m-%d}" for name in names)
    assert [r for h in histories(storage).values() for r in h.tracked.to_pylist()]


def _without_second_account(scan: dict[str, Any], days: float) -> dict[str, Any]:
    """The same targets without the second account, `days` later and with new readings."""
    at = scan["at"] + timedelta(days=days)
    account_id, reading = next(iter(scan["accounts"].items()))
    later = {
        **reading,
        "started_at": at,
        "results": dict.fromkeys(reading["results"], at),
    }
    return {**scan, "at": at, "all_accounts": True, "accounts": {account_id: later}}


def _left_for_long(storage: MemoryStorage) -> tuple[dict[str, Any], NaiveHistory]:
    """An account left 11 days before the scan that is returned; the retention is 10 days."""
    naive, scans = NaiveHistory(), sequence(21, 12)
    scans = [scan for scan in scans if len(scan["accounts"]) == 2]
    for scan in [*scans, _without_second_account(scans[-1], 1)]:
        update(storage, scan, retention=_TEN_DAYS)
        naive.scan(scan)
    last = _without_second_account(scans[-1], 12)
    naive.scan(last)
    return last, naive


_TEN_DAYS = timedelta(days=10)


def test_the_sums_keep_what_an_account_counted_that_left_long_ago_at_any_kill() -> None:
    step, was_killed = 0, True
    while was_killed:
        storage = MemoryStorage()
        last, naive = _left_for_long(storage)
        before = samples_of(update(storage, _without_second_account(last, -10)))
        storage.before = _kill_at(step)
        try:
            update(storage, last, retention=_TEN_DAYS)
            was_killed = False
        except _KilledError:
            was_killed = True
        storage.before = lambda _operation, _name: None
        for days in (0, 1):
            scan = _without_second_account(last, days) if days else last
            samples = samples_of(update(storage, scan, retention=_TEN_DAYS))
            expected = {k: v for k, v in before.items() if "time_to_fix" in k[0]}
            assert {k: samples[k] for k in expected} == expected
            assert {k: v for k, v in samples.items() if "history_start" in k[0]} == {
                k: v for k, v in before.items() if "history_start" in k[0]
            }
        left = [a for a in naive.accounts if a not in last["accounts"]]
        assert not [k for k in samples if ("account_id", left[0]) in k[1]]
        assert len(storage.names("tables/history/")) == 1
        step += 1
    assert step > 5


def test_the_daily_numbers_of_recent_days_are_read_together() -> None:
    storage = MemoryStorage()
    for scan in sequence(7, 12):
        update(storage, scan)
    stored = day_rows(storage, "daily")
    days = sorted({row["date"] for row in stored})
    assert len(days) > 2
    found = HistoryDays(storage, no_warning).daily(days[-1], (days[-1] - days[1]).days + 1)
    expected = [row for row in stored if row["date"] >= days[1]]
    assert sorted(found.to_pylist(), key=str) == expected
    assert len(HistoryDays(storage, no_warning).daily(days[0] - timedelta(days=1), 9)) == 0
