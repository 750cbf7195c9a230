"""The clock of everything that is recorded or published."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, as an aware UTC time."""
    return datetime.now(UTC)
