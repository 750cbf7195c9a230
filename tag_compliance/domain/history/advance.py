"""From the history of an account and a reading to its next history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa

from tag_compliance.domain.history.closing import NOT_CLOSED, Closings
from tag_compliance.domain.history.counting import (
    add_numbers,
    count_events,
    count_rules,
    total_counters,
)
from tag_compliance.domain.history.kinds import (
    KINDS,
    WHYS,
    ClosedWhy,
    TrackedState,
)
from tag_compliance.domain.history.matching import Flags, Matching
from tag_compliance.domain.history.opening import RETURN, Openings
from tag_compliance.domain.history.reading import AccountReading, distinct_texts
from tag_compliance.domain.history.rows import (
    closed_rows,
    fixed_rows,
    joined,
    seen_rows,
    unseen_rows,
)
from tag_compliance.domain.history.seen import exclude_all, forget, used_policies
from tag_compliance.domain.history.state import (
    AccountHistory,
    Counters,
    DayNumbers,
    RuleCounters,
    microseconds,
    times_of,
)
from tag_compliance.domain.resources import has_text, text_numbers


def advance(
    before: AccountHistory, reading: AccountReading, now: datetime, retention: timedelta
) -> AccountHistory:
    """The history after the reading. The same reading again, or an earlier one, changes nothing.

    `now` is the time of the scan; the time of what happened is never before the last change, so
    that a clock that was set back makes no negative durations.
    """
    if before.contains(reading.started_at, reading.reading_run):
        return before
    moment = max(now, before.updated_at)
    return _Step.of(before, reading, moment).result(retention)


def remove(before: AccountHistory, now: datetime) -> AccountHistory:
    """The history of an account that is not a target any more. Again, this changes nothing."""
    if before.removed_at is not None:
        return before
    moment = max(now, before.updated_at)
    rows = before.rows_in(TrackedState.OPEN)
    why = np.full(len(rows), WHYS.index(ClosedWhy.ACCOUNT_REMOVED))
    closed_at = np.full(len(rows), microseconds(moment))
    rules = distinct_texts(rows["rule"])
    rule, none = text_numbers(rows["rule"], rules), np.empty(0, dtype=np.int64)
    without_time = np.zeros(len(rows), dtype=np.int64)
    events = count_events(rules, (none, none), (rule, why, without_time, without_time))
    sequence = before.sequence + 1
    return replace(
        before,
        updated_at=moment,
        sequence=sequence,
        removed_at=moment,
        counters=total_counters((before.counters, events)),
        day=next_day(before.day, moment, events, {}),
        tracked=joined([before.rows_in(TrackedState.FIXED)]),
        seen=exclude_all(before.seen),
        closed=closed_rows(replace(before, sequence=sequence), rows, why, closed_at),
    )


@dataclass(frozen=True)
class _Step:
    before: AccountHistory
    reading: AccountReading
    moment: datetime
    match: Matching
    openings: Openings
    closings: Closings

    @classmethod
    def of(cls, before: AccountHistory, reading: AccountReading, moment: datetime) -> Self:
        match = Matching.of(before, reading)
        openings = Openings.of(before, reading, match, moment)
        closings = Closings.of(before, reading, match, moment)
        return cls(before, reading, moment, match, openings, closings)

    def result(self, retention: timedelta) -> AccountHistory:
        before, reading, moment = self.before, self.reading, self.moment
        account = replace(before, account_name=reading.account_name, sequence=before.sequence + 1)
        policies, policy = self._policies()
        seen = forget(self.openings.seen.after(reading, moment, policy), moment, retention)
        events, places = self._events(), self.match.present.places
        results = {**dict(zip(before.places, before.result_at, strict=True)), **reading.results}
        return replace(
            account,
            updated_at=moment,
            reading=reading.started_at,
            reading_run=reading.reading_run,
            removed_at=None,
            places=places,
            result_at=tuple(results.get(place) for place in places),
            policies=used_policies(seen, policies),
            counters=total_counters((before.counters, events)),
            active_at={**before.active_at, **dict.fromkeys(map(str, reading.rules), moment)},
            day=self._day(events),
            tracked=self._tracked(),
            seen=seen,
            closed=self._closed(account),
        )

    def _policies(self) -> tuple[Mapping[int, Mapping[str, str]], int]:
        """The known policies with the current one, and its number."""
        known = self.before.policies
        current = self.reading.versions
        same = [number for number, rules in known.items() if rules == current]
        number = same[0] if same else max(known, default=-1) + 1
        return {**known, number: current}, number

    def _events(self) -> dict[str, RuleCounters]:
        match, openings, counts = self.match, self.openings, self.openings.counts
        opened = match.found.rule[counts], openings.kind[counts]
        closed, why = self._is_closed, self.closings.why
        kind = text_numbers(self.before.tracked["opened_kind"], KINDS)[closed]
        open_for = (self.closings.closed_at - times_of(self.before.tracked, "opened_at"))[closed]
        return count_events(match.rules, opened, (match.rule[closed], why[closed], kind, open_for))

    @cached_property
    def _is_closed(self) -> Flags:
        """The open findings that the reading closed."""
        is_open = has_text(self.before.tracked["state"], TrackedState.OPEN)
        closed: Flags = is_open & (self.closings.why != NOT_CLOSED)
        return closed

    def _closed(self, account: AccountHistory) -> pa.Table:
        closed = self._is_closed
        rows = self.before.tracked.filter(pa.array(closed))
        why, closed_at = self.closings.why[closed], self.closings.closed_at[closed]
        return closed_rows(account, rows, why, closed_at)

    def _tracked(self) -> pa.Table:
        tracked, match, closings = self.before.tracked, self.match, self.closings
        openings, unmatched = self.openings, match.finding < 0
        is_fixed = has_text(tracked["state"], TrackedState.FIXED)
        recent = microseconds(self.moment) - times_of(tracked, "closed_at") <= RETURN
        stays = unmatched & ~is_fixed & (closings.why == NOT_CLOSED)
        fixed_now = self._is_closed & (closings.why == WHYS.index(ClosedWhy.FIXED))
        opened = openings.opened_at, openings.kind
        return joined(
            [
                seen_rows(self.reading, match.present, match.found, opened, self.moment),
                unseen_rows(
                    tracked.filter(pa.array(stays)),
                    closings.missing_readings[stays],
                    closings.missing_since[stays],
                ),
                fixed_rows(tracked.filter(pa.array(fixed_now)), self.moment),
                tracked.filter(pa.array(unmatched & is_fixed & recent)),
            ]
        )

    def _day(self, events: Counters) -> DayNumbers:
        match, openings, reading = self.match, self.openings, self.reading
        returned = count_rules(match.rules, match.found.rule[openings.returned])
        day = next_day(self.before.day, self.moment, events, returned)
        return replace(day, numbers=reading.numbers)


def next_day(
    before: DayNumbers, moment: datetime, events: Counters, returned: Mapping[str, int]
) -> DayNumbers:
    """The numbers of the day of `moment` with these events."""
    if before.day != moment.date():
        before = DayNumbers(moment.date())
    return replace(
        before,
        counters=total_counters((before.counters, events)),
        returned=add_numbers(before.returned, returned),
    )
