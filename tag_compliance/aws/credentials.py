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
"""How long before the end of a session one thread refreshes its credentials, while the others use
the old ones."""

_LATE_SECONDS = 600.0
"""How long before the end of a session every thread waits for new credentials. For a short session,
both times are shorter in proportion."""


@dataclass(frozen=True, slots=True)
class ExpiringCredentials:
    """Credentials, and the aware UTC time at which they expire."""

    credentials: ReadOnlyCredentials
    expires_at: datetime


@dataclass(eq=False)
class AssumedRole:
    """Assumes a role with `assume`, and again before the credentials expire. Threads may share it.

    It replaces a class of botocore that logs failures with a traceback. The constructor raises what
    `assume` raises.
    """

    assume: Callable[[], ExpiringCredentials]
    clock: Callable[[], datetime] = utc_now

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._failure: AwsError | None = None
        self._renew()

    def credentials(self) -> ReadOnlyCredentials:
        """Credentials that are valid now; raises `AwsError` if they could not be refreshed."""
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
        return (current.expires_at - self.clock()).total_seconds()

    def _renew(self) -> None:
        self._current = self.assume()
        lifetime = self._left(self._current)
        # If they have already expired, the clock of this machine is wrong. They are used until AWS
        # reports that they have expired.
        self._early = min(_EARLY_SECONDS, lifetime / 4) if lifetime > 0 else -math.inf
        self._late = min(_LATE_SECONDS, lifetime / 6) if lifetime > 0 else -math.inf

    def _refresh(self, seen: ExpiringCredentials) -> None:
        if self._current is not seen:
            return
        if self._failure is not None:
            raise self._failure
        try:
            self._renew()
        except AwsError as error:
            left = self._left(seen)
            if left <= 0:
                self._failure = error
                raise
            # The old ones are still valid. The next attempt is after half of their remaining time.
            self._early = left / 2
            self._late = min(self._late, self._early)
            logger.warning(
                "credentials not refreshed yet", reason=str(error.reason), cause=error.cause
            )
