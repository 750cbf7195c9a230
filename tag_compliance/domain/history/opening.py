"""Which findings a reading opens, and how; which of them continue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np

from tag_compliance.domain.history.kinds import KINDS, RETURN_WINDOW, OpenedKind, TrackedState
from tag_compliance.domain.history.matching import Flags, Ints, Matching
from tag_compliance.domain.history.reading import AccountReading
from tag_compliance.domain.history.seen import Seen
from tag_compliance.domain.history.state import AccountHistory, microseconds, times_of
from tag_compliance.domain.resources import text_numbers

RETURN = microseconds(RETURN_WINDOW)
_STATES = tuple(TrackedState)


@dataclass(frozen=True)
class Openings:
    """For each finding of a reading when it was opened and the position of its kind in `KINDS`, as
    they are after the reading. A waived finding has those that it would have.

    `counts` flags those that count as opened, `returned` those that continue after they were fixed.
    """

    kind: Ints
    opened_at: Ints
    counts: Flags
    returned: Flags
    seen: Seen

    @classmethod
    def of(
        cls, before: AccountHistory, reading: AccountReading, match: Matching, moment: datetime
    ) -> Self:
        now, row = microseconds(moment), match.tracked_row
        state = np.append(text_numbers(before.tracked["state"], _STATES), -1)
        closed_at = times_of(before.tracked, "closed_at")
        # A finding that was fixed too long ago is as good as unknown.
        expired = (state[:-1] == _STATES.index(TrackedState.FIXED)) & (now - closed_at > RETURN)
        state[:-1][expired] = -1
        was = state[row]
        is_new, waived = was == -1, match.found.waived
        seen = Seen.of(before, match.present)
        kind = np.append(text_numbers(before.tracked["opened_kind"], KINDS), -1)[row]
        kind = np.where(is_new, _kinds(before, reading, match, seen), kind)
        waiver_expired = (was == _STATES.index(TrackedState.WAIVED)) & ~waived
        kind[waiver_expired] = KINDS.index(OpenedKind.WAIVER_EXPIRED)
        opened_at = np.append(times_of(before.tracked, "opened_at"), now)[row]
        return cls(
            kind=kind,
            opened_at=np.where(is_new, now, opened_at),
            counts=(is_new & ~waived) | waiver_expired,
            returned=(was == _STATES.index(TrackedState.FIXED)) & ~waived,
            seen=seen,
        )


def _kinds(before: AccountHistory, reading: AccountReading, match: Matching, seen: Seen) -> Ints:
    """The kind of each finding if it was not known before."""
    found, present = match.found, match.present
    results = dict(zip(before.places, before.result_at, strict=True))
    first_read = np.array([results.get(place) is None for place in present.places], dtype=bool)
    changed = seen.rule_changed(reading, match.rules)
    resource = found.resource
    policy = seen.was_excluded()[resource] | changed[seen.policy_of()[resource], found.rule]
    fits = {
        OpenedKind.FIRST_SCAN: first_read[present.place[resource]],
        OpenedKind.NEW_RESOURCE: seen.is_new()[resource],
        OpenedKind.POLICY_CHANGE: policy,
    }
    kind = np.full(len(resource), KINDS.index(OpenedKind.REGRESSED), dtype=np.int64)
    for fitting in reversed(fits):
        kind[fits[fitting]] = KINDS.index(fitting)
    return kind
