"""The clock of everything that is recorded or published."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_TOLERANCE = timedelta(minutes=5)


def utc_now() -> datetime:
    """Now, as an aware UTC time."""
    return datetime.now(UTC)


def is_ahead(moment: datetime) -> bool:
    """Whether a stored time is so far in the future that it came from a wrong clock."""
    return moment > utc_now() + _TOLERANCE
