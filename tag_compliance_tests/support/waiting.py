"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_SECONDS = 60.0

_FoundT = TypeVar("_FoundT")


def eventually(
    find: Callable[[], _FoundT | None],
    seconds: float = DEADLINE_SECONDS,
    *,
    pause: float = 0.02,
    explain: Callable[[], str] = str,
) -> _FoundT:
    """Calls `find` repeatedly; returns its first true result.

    Raises:
        AssertionError: There was none in this time; the message contains what `explain` returns.
    """
    give_up_at = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > give_up_at:
            raise AssertionError(f"nothing found within {seconds:g} s {explain()}".rstrip())
        time.sleep(pause)
    return found
