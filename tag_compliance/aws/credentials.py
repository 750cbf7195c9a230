"""The credentials of one assumed role, refreshed before they expire."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from botocore.credentials import ReadOnlyCredentials

from tag_compliance.aws.errors import AwsError
from tag_compliance.domain.clock import utc_now
from tag_compliance.logs import get_logger

logger = get_logger(__name__)

_EARLY_SECONDS = 900.0
"""Before the end of a session: one thread fetches new credentials, the others use the old ones."""

_LATE_SECONDS = 600.0
"""Before the end of a session: every thread waits for new credentials. Both times are shortened in
proportion for a short session."""


@dataclass(frozen=True, slots=True)
class ExpiringCredentials:
    """Credentials, and when they expire."""

    credentials: ReadOnlyCredentials
    expires_at: datetime


class AssumedRole:
    """Shared by threads. It replaces botocore's class, which logs failures with a traceback."""

    def __init__(
        self, assume: Callable[[], ExpiringCredentials], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._assume = assume
        self._clock = clock
        self._lock = threading.Lock()
        self._failure: AwsError | None = None
        self._take()

    def credentials(self) -> ReadOnlyCredentials:
        """Credentials that are valid now; raises `AwsError` if there are none."""
        current = self._current
        left = self._left(current)
        if left <= self._early and self._lock.acquire(blocking=left <= self._late):
            try:
                self._refresh(current)
            finally:
                self._lock.release()
        return self._current.credentials

    def holds(self, credentials: ReadOnlyCredentials) -> bool:
        """Whether these are the current credentials."""
        return bool(self._current.credentials == credentials)

    def _left(self, current: ExpiringCredentials) -> float:
        return (current.expires_at - self._clock()).total_seconds()

    def _take(self) -> None:
        self._current = self._assume()
        life = self._left(self._current)
        # Already expired: this machine's clock is wrong, and AWS will report when they expire.
        self._early = min(_EARLY_SECONDS, life / 4) if life > 0 else -math.inf
        self._late = min(_LATE_SECONDS, life / 6) if life > 0 else -math.inf

    def _refresh(self, seen: ExpiringCredentials) -> None:
        if self._current is not seen:
            return
        if self._failure is not None:
            raise self._failure
        try:
            self._take()
        except AwsError as error:
            left = self._left(seen)
            if left <= 0:
                self._failure = error
                raise
            # The old ones are still valid: the next attempt is after half of their time.
            self._early = left / 2
            self._late = min(self._late, self._early)
            logger.warning(
                "credentials not refreshed yet", reason=str(error.reason), cause=error.cause
            )
