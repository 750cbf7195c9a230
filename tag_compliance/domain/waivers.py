"""Waivers: findings that the company accepts until a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from tag_compliance.domain.globs import Globs
from tag_compliance.domain.scope import Selection


class WaiverState(StrEnum):
    """Whether a waiver holds on a day."""

    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Waiver:
    """`rules` are globs of rule ids; a resource is covered if `match` selects it and one of `arns`
    matches its ARN. `expires` is the last day on which the waiver is valid, in UTC.
    """

    waiver_id: str
    rules: Globs
    match: Selection
    expires: date
    arns: Globs | None = None
    reason: str = ""
    owner: str = ""
    ticket: str = ""

    def state(self, day: date) -> WaiverState:
        return WaiverState.ACTIVE if day <= self.expires else WaiverState.EXPIRED

    @property
    def ends_at(self) -> datetime:
        """The first moment at which the waiver is not valid any more."""
        return datetime.combine(self.expires + timedelta(days=1), time(), UTC)


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """How many findings a waiver matches, and of how many it is the waiver that is named."""

    matched: int = 0
    named: int = 0

    def __add__(self, other: WaiverUse) -> WaiverUse:
        return WaiverUse(self.matched + other.matched, self.named + other.named)
