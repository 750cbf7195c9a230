"""The clock of everything that is recorded or published."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

CLOCK_TOLERANCE = timedelta(minutes=5)
"""A stored time that is further ahead of now came from a wrong clock."""


def utc_now() -> datetime:
    """Now, as an aware UTC time."""
    return datetime.now(UTC)


def is_ahead(moment: datetime) -> bool:
    """Whether a stored time came from a wrong clock."""
    return moment > utc_now() + CLOCK_TOLERANCE
