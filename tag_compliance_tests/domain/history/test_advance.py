"""The history of generated sequences of scans is that of a simple second implementation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import given, settings

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.history.advance import advance, remove
from tag_compliance.domain.history.figures import FigureBasis, HistoryFigures, combine, figures_of
from tag_compliance.domain.history.state import AccountHistory
from tag_compliance_tests.domain.history.naive import NaiveHistory
from tag_compliance_tests.domain.history.published import samples_in_text_of, samples_of
from tag_compliance_tests.domain.history.worlds import (
    RETENTION,
    findings_table,
    reading_of,
    sequence,
    sequences,
)

Histories = dict[str, AccountHistory]


def _apply(histories: Histories, scan: dict[str, Any]) -> list[dict[str, Any]]:
    """Advances the real histories; returns the rows that were closed."""
    closed: list[dict[str, Any]] = []
    for account_id, reading in scan["accounts"].items():
        before = histories.get(account_id) or AccountHistory.new(
            AccountId(account_id), AccountName("new"), scan["at"]
        )
        real = reading_of(account_id, reading, scan["rules"])
        histories[account_id] = after = advance(before, real, scan["at"], RETENTION)
        assert advance(after, real, scan["at"], RETENTION) is after
        closed += after.closed.to_pylist() if after is not before else []
    for account_id, before in histories.items():
        if scan["all_accounts"] and account_id not in scan["accounts"]:
            histories[account_id] = after = remove(before, scan["at"])
            closed += after.closed.to_pylist() if after is not before else []
    return closed


def _figures(histories: Mapping[str, AccountHistory], scan: dict[str, Any]) -> HistoryFigures:
    basis = FigureBasis(dict.fromkeys(scan["rules"], "medium"), scan["at"], RETENTION)
    snapshots = {a: findings_table(a, r["snapshot"]) for a, r in scan["accounts"].items()}
    accounts = [figures_of(h, snapshots.get(a), basis) for a, h in histories.items()]
    return combine(accounts, [], basis)


def _tracked(history: AccountHistory) -> dict[tuple[str, str], tuple[Any, ...]]:
    names = ("state", "opened_at", "opened_kind", "missing_readings", "missing_since", "closed_at")
    rows = history.tracked.to_pylist()
    found = {(r["arn"], r["rule"]): tuple(r[name] for name in names) for r in rows}
    assert len(found) == len(rows), "a finding is tracked twice"
    return found


_CLOSED = ("account_id", "rule", "arn", "closed_why", "opened_kind", "opened_at", "closed_at")
_NAIVE_CLOSED = ("account", "rule", "arn", "why", "kind", "opened_at", "closed_at")


@settings(deadline=None, max_examples=200)
@given(sequences())
def test_every_row_and_every_metric_is_that_of_the_simple_history(
    scans: list[dict[str, Any]],
) -> None:
    histories, naive = Histories(), NaiveHistory()
    for scan in scans:
        closed, known = _apply(histories, scan), len(naive.events)
        naive.scan(scan)
        expected = [e for e in naive.events[known:] if e["what"] == "closed"]
        assert sorted(tuple(row[c] for c in _CLOSED) for row in closed) == sorted(
            tuple(e[n] for n in _NAIVE_CLOSED) for e in expected
        )
        for account_id, history in histories.items():
            assert _tracked(history) == naive.tracked(account_id)
        assert samples_of(_figures(histories, scan)) == naive.samples(scan)
    assert samples_in_text_of(_figures(histories, scan)) == naive.samples(scan)


def test_a_clock_that_was_set_back_makes_no_negative_durations() -> None:
    first, *scans = sequence(5, 16)
    histories = Histories()
    _apply(histories, first)
    for scan in scans:
        _apply(histories, {**scan, "at": first["at"] - timedelta(days=3)})
        for history in histories.values():
            assert history.updated_at == first["at"]
            assert all(row["open_seconds"] == 0 for row in history.closed.to_pylist())
            assert all(c.fix_microseconds == 0 for c in history.counters.values())
