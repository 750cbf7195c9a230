"""The history of one account: its tracked findings, the resources that were seen, its counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.history.kinds import FIX_SECONDS, KINDS, WHYS, TrackedState
from tag_compliance.domain.history.reading import Place, RuleNumbers
from tag_compliance.domain.resources import LABEL, has_text

MOMENT = pa.timestamp("us", tz="UTC")
"""The type of a column of times."""

NEVER = -(2**62)
"""A null in an array of times; a difference to it does not overflow."""

_SUBJECT = [
    pa.field("region", LABEL, nullable=False),
    pa.field("source", LABEL, nullable=False),
    pa.field("arn", pa.string(), nullable=False),
    pa.field("resource_type", LABEL, nullable=False),
    pa.field("rule", LABEL, nullable=False),
    pa.field("severity", LABEL, nullable=False),
    pa.field("codes", pa.list_(pa.string()), nullable=False),
    pa.field("opened_at", MOMENT, nullable=False),
    pa.field("opened_kind", LABEL, nullable=False),
]

TRACKED_SCHEMA = pa.schema(
    [
        *_SUBJECT,
        pa.field("state", LABEL, nullable=False),
        pa.field("waiver", LABEL),
        pa.field("rule_version", LABEL, nullable=False),
        pa.field("last_seen_at", MOMENT, nullable=False),
        pa.field("missing_readings", pa.int64(), nullable=False),
        pa.field("missing_since", MOMENT),
        pa.field("closed_at", MOMENT),
    ]
)
"""One row for each tracked finding; (arn, rule) is unique. `state` is a `TrackedState`. A `waived`
row has in `opened_at` when it was first seen. `missing_readings` counts the successive readings
without the resource, `missing_since` is the first of them. `closed_at` is set in `fixed` rows."""

CLOSED_SCHEMA = pa.schema(
    [
        pa.field("account_id", LABEL, nullable=False),
        pa.field("account_name", LABEL, nullable=False),
        *_SUBJECT,
        pa.field("closed_at", MOMENT, nullable=False),
        pa.field("closed_why", LABEL, nullable=False),
        pa.field("open_seconds", pa.float64(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
    ]
)
"""One row for each finding that was closed. `sequence` is the number of the account's reading that
closed it."""

SEEN_SCHEMA = pa.schema(
    [
        pa.field("arn_hash", pa.uint64(), nullable=False),
        pa.field("place", pa.int32(), nullable=False),
        pa.field("excluded", pa.bool_(), nullable=False),
        pa.field("policy", pa.int32(), nullable=False),
        pa.field("first_seen_at", MOMENT, nullable=False),
        pa.field("last_seen_at", MOMENT, nullable=False),
    ]
)
"""One row for each resource that was ever seen, ordered by hash. `place` is a position in
`places`, `policy` a key of `policies`: where and under which rules it was last evaluated."""


_NOTHING_TRACKED, _NOTHING_SEEN, _NOTHING_CLOSED = (
    schema.empty_table() for schema in (TRACKED_SCHEMA, SEEN_SCHEMA, CLOSED_SCHEMA)
)


@dataclass(frozen=True, slots=True)
class RuleCounters:
    """What has happened to the findings of one rule in one account since the history began.

    `opened` follows the order of `KINDS`, `closed` that of `WHYS`. `fixed_within` has the number of
    fixed findings for each bucket of `FIX_SECONDS` alone, and for the last bucket without bound;
    `fix_microseconds` is the sum of their times.
    """

    opened: tuple[int, ...] = (0,) * len(KINDS)
    closed: tuple[int, ...] = (0,) * len(WHYS)
    fixed_within: tuple[int, ...] = (0,) * (len(FIX_SECONDS) + 1)
    fix_microseconds: int = 0

    def __add__(self, other: Self) -> RuleCounters:
        def add(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(a + b for a, b in zip(one, two, strict=True))

        return RuleCounters(
            add(self.opened, other.opened),
            add(self.closed, other.closed),
            add(self.fixed_within, other.fixed_within),
            self.fix_microseconds + other.fix_microseconds,
        )


Counters = Mapping[str, RuleCounters]
"""By rule id."""


@dataclass(frozen=True, slots=True)
class DayNumbers:
    """What the daily roll-up of an account contains in addition to its tracked findings."""

    day: date
    counters: Counters = field(default_factory=dict)
    returned: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, RuleNumbers] = field(default_factory=dict)


@dataclass(frozen=True)
class AccountHistory:
    """Everything that is known of one account after `sequence` readings.

    `started_at` is when its history began, `updated_at` the time of the last change, `reading` the
    `started_at` of the last reading, `reading_run` the number of its run. `removed_at` is set while
    the account is not a target.
    `places` are all that were ever configured, `result_at` the times of their last results (None:
    the place was never read). `policies`
    are the versions of the rules that the seen resources were evaluated with. `active_at` says of
    each counted rule when it was last in the policy. `closed` has the rows of the last change.
    """

    account_id: AccountId
    account_name: AccountName
    started_at: datetime
    updated_at: datetime
    sequence: int
    day: DayNumbers
    reading: datetime | None = None
    reading_run: int = 0
    removed_at: datetime | None = None
    places: tuple[Place, ...] = ()
    result_at: tuple[datetime | None, ...] = ()
    policies: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    counters: Counters = field(default_factory=dict)
    active_at: Mapping[str, datetime] = field(default_factory=dict)
    tracked: pa.Table = field(default_factory=lambda: _NOTHING_TRACKED)
    seen: pa.Table = field(default_factory=lambda: _NOTHING_SEEN)
    closed: pa.Table = field(default_factory=lambda: _NOTHING_CLOSED)

    @classmethod
    def new(cls, account_id: AccountId, account_name: AccountName, moment: datetime) -> Self:
        """The history of an account before its first reading."""
        return cls(account_id, account_name, moment, moment, 0, DayNumbers(moment.date()))

    def contains(self, started_at: datetime, reading_run: int) -> bool:
        """Whether this reading of the account, or a later one, is already part of the history.

        A later one has a higher number, which no clock decides, or a later start, because the
        numbers begin again if their object is lost.
        """
        if self.reading is None:
            return False
        return started_at <= self.reading and reading_run <= self.reading_run

    def rows_in(self, state: TrackedState) -> pa.Table:
        """The tracked findings that have this state."""
        return self.tracked.filter(pa.array(has_text(self.tracked["state"], state)))

    def without_tables(self) -> AccountHistory:
        return replace(
            self,
            tracked=_NOTHING_TRACKED,
            seen=_NOTHING_SEEN,
            closed=_NOTHING_CLOSED,
        )


def microseconds(moment: datetime | timedelta) -> int:
    """The time since 1970, or the duration, as Arrow counts it in `MOMENT`."""
    duration = moment if isinstance(moment, timedelta) else moment - _EPOCH
    return duration // timedelta(microseconds=1)


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def times_of(table: pa.Table, column: str) -> NDArray[np.int64]:
    """The times of a column in microseconds since 1970; `NEVER` for null."""
    times: NDArray[np.int64] = table[column].cast(pa.int64()).fill_null(NEVER).to_numpy().copy()
    return times
