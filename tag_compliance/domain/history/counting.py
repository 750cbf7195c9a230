"""Counts what a reading opened and closed, by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tag_compliance.domain.history.kinds import (
    FIX_SECONDS,
    KINDS,
    KINDS_WITH_TIME_TO_FIX,
    WHYS,
    ClosedWhy,
)
from tag_compliance.domain.history.matching import Ints
from tag_compliance.domain.history.state import Counters, RuleCounters

_MICROSECONDS = 1_000_000
_WITH_TIME = [KINDS.index(kind) for kind in KINDS_WITH_TIME_TO_FIX]


def count_events(
    rules: Sequence[str],
    opened: tuple[Ints, Ints],
    closed: tuple[Ints, Ints, Ints, Ints],
) -> dict[str, RuleCounters]:
    """The counters of these events alone; a rule without events has none.

    `opened` is, for each opened finding, the position of its rule and of its kind; `closed` the
    position of its rule, of its reason and of the kind that it was opened with, and the
    microseconds for which it was open.
    """
    opened_by_kind = _table(*opened, len(rules), len(KINDS))
    rule, why, kind, open_for = closed
    closed_by_why = _table(rule, why, len(rules), len(WHYS))
    timed = (why == WHYS.index(ClosedWhy.FIXED)) & np.isin(kind, _WITH_TIME)
    rule, open_for = rule[timed], open_for[timed]
    bounds = np.array(FIX_SECONDS) * _MICROSECONDS
    fixed = _table(rule, np.searchsorted(bounds, open_for), len(rules), len(FIX_SECONDS) + 1)
    sums = np.zeros(len(rules), dtype=np.int64)
    np.add.at(sums, rule, open_for)
    used = np.nonzero(opened_by_kind.any(axis=1) | closed_by_why.any(axis=1))[0]
    return {
        rules[n]: RuleCounters(
            tuple(opened_by_kind[n].tolist()),
            tuple(closed_by_why[n].tolist()),
            tuple(fixed[n].tolist()),
            int(sums[n]),
        )
        for n in used.tolist()
    }


def total_counters(counters: Iterable[Counters]) -> dict[str, RuleCounters]:
    """The sums by rule."""
    total: dict[str, RuleCounters] = {}
    for each in counters:
        for rule, own in each.items():
            total[rule] = total[rule] + own if rule in total else own
    return total


def add_numbers(one: Mapping[str, int], two: Mapping[str, int]) -> dict[str, int]:
    added = dict(one)
    for rule, number in two.items():
        added[rule] = added.get(rule, 0) + number
    return added


def count_rules(rules: Sequence[str], rule: Ints) -> dict[str, int]:
    """How often each rule occurs; a rule that does not occur has no entry."""
    numbers = np.bincount(rule, minlength=len(rules))
    return {rules[n]: int(numbers[n]) for n in np.nonzero(numbers)[0].tolist()}


def _table(rows: Ints, columns: Ints, height: int, width: int) -> NDArray[np.int64]:
    flat = np.bincount(rows * width + columns, minlength=height * width)
    return flat.reshape(height, width)
