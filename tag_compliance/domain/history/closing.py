"""Which tracked findings a reading closes, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np

from tag_compliance.domain.history.kinds import (
    ABSENT_READINGS,
    ABSENT_TIME,
    WHYS,
    ClosedWhy,
    TrackedState,
)
from tag_compliance.domain.history.matching import Flags, Ints, Matching, flags_of
from tag_compliance.domain.history.reading import AccountReading, Place
from tag_compliance.domain.history.state import NEVER, AccountHistory, microseconds, times_of
from tag_compliance.domain.resources import encoded, has_text

NOT_CLOSED = -1


@dataclass(frozen=True)
class Closings:
    """For each tracked finding the position of its reason in `WHYS`, or `NOT_CLOSED`, and when it
    was closed. `missing_readings` and `missing_since` are as they are after the reading.

    An open finding that is waived now has a reason here and is still tracked.
    """

    why: Ints
    closed_at: Ints
    missing_readings: Ints
    missing_since: Ints

    @classmethod
    def of(
        cls, before: AccountHistory, reading: AccountReading, match: Matching, moment: datetime
    ) -> Self:
        readings, since, absent = _absences(before, reading, match, microseconds(moment))
        window = microseconds(ABSENT_TIME)
        gone = absent & ((readings >= ABSENT_READINGS) | (microseconds(moment) - since >= window))
        why = _reasons(before, reading, match, gone)
        closed_at = np.where(why == WHYS.index(ClosedWhy.GONE), since, microseconds(moment))
        return cls(why, closed_at, readings, since)


def _reasons(before: AccountHistory, reading: AccountReading, match: Matching, gone: Flags) -> Ints:
    """The first reason that fits each open or waived finding."""
    is_present = match.resource >= 0
    is_read = flags_of(match.present.read, match.resource)
    without = is_read & (match.finding < 0)
    place_read = _of_places(match, reading.results)
    removed, changed = _rule_changes(before, reading, match)
    now_waived = flags_of(match.found.waived, match.finding)
    excluded = is_read & flags_of(match.present.excluded, match.resource)
    fits = {
        ClosedWhy.EXCLUDED: excluded | (~is_present & ~_of_places(match, reading.configured)),
        ClosedWhy.RULE_CHANGED: (without & changed) | (~is_present & place_read & removed),
        ClosedWhy.WAIVED: now_waived & has_text(before.tracked["state"], TrackedState.OPEN),
        ClosedWhy.FIXED: without,
        ClosedWhy.GONE: gone,
    }
    why = np.full(len(before.tracked), NOT_CLOSED, dtype=np.int64)
    tracked = ~has_text(before.tracked["state"], TrackedState.FIXED)
    for number, reason in enumerate(WHYS):
        if reason in fits:
            why[tracked & fits[reason] & (why == NOT_CLOSED)] = number
    return why


def _absences(
    before: AccountHistory, reading: AccountReading, match: Matching, now: int
) -> tuple[Ints, Ints, Flags]:
    """How often each resource was missing in succession, since when, and whether it was now.

    A reused result is not a further reading: only a place with a newer result counts.
    """
    readings = before.tracked["missing_readings"].to_numpy().copy()
    since = times_of(before.tracked, "missing_since")
    known = dict(zip(before.places, before.result_at, strict=True))
    fresh = {p for p, result_at in reading.results.items() if known.get(p) != result_at}
    absent = (match.resource < 0) & _of_places(match, fresh)
    seen = flags_of(match.present.read, match.resource)
    since[absent & (readings == 0)] = now
    readings[absent] += 1
    readings[seen], since[seen] = 0, NEVER
    return readings, since, absent


def _rule_changes(
    before: AccountHistory, reading: AccountReading, match: Matching
) -> tuple[Flags, Flags]:
    """For each tracked finding whether its rule is not in the policy any more, and whether it has
    changed since the finding was last seen, or is not in the policy any more.
    """
    current = [reading.versions.get(rule) for rule in match.rules]
    versions = encoded(before.tracked["rule_version"])
    texts = versions.dictionary.to_pylist()
    differs = np.array([[v != now for v in texts] for now in current], dtype=np.bool_)
    changed: Flags = differs.reshape(len(current), len(texts))[
        match.rule, versions.indices.to_numpy()
    ]
    removed: Flags = np.array([now is None for now in current], dtype=np.bool_)[match.rule]
    return removed, changed


def _of_places(match: Matching, places: Collection[Place]) -> Flags:
    """For each tracked finding whether its place is one of these."""
    chosen = np.array([place in places for place in match.present.places], dtype=bool)
    return flags_of(chosen, match.place)
