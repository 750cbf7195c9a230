"""The credentials of one assumed role, refreshed before they expire."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from botocore.credentials import ReadOnlyCredentials

from tag_compliance.aws.refusal import AwsRefused
from tag_compliance.domain.clock import utc_now
from tag_compliance.logs import get_logger

logger = get_logger(__name__)

# Before the end of a session: from when one thread fetches new credentials while the others go on
# with the old ones, and from when all of them wait for it. A short session's are in proportion.
_EARLY_SECONDS, _LATE_SECONDS = 900.0, 600.0


@dataclass(frozen=True, slots=True)
class Lease:
    """Credentials, and until when AWS takes them."""

    credentials: ReadOnlyCredentials
    expires_at: datetime


class AssumedRole:
    """Shared by threads. Its own, and not botocore's, which logs a failure with its traceback."""

    def __init__(
        self, assume: Callable[[], Lease], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._assume = assume
        self._clock = clock
        self._lock = threading.Lock()
        self._refusal: AwsRefused | None = None
        self._take()

    def frozen(self) -> ReadOnlyCredentials:
        """Credentials that are good now; raises `AwsRefused` where there are none to be had."""
        lease = self._lease
        left = self._left(lease)
        if left <= self._early and self._lock.acquire(blocking=left <= self._late):
            try:
                self._refresh(lease)
            finally:
                self._lock.release()
        return self._lease.credentials

    def holds(self, credentials: ReadOnlyCredentials) -> bool:
        """Whether these are the newest that it has."""
        return bool(self._lease.credentials == credentials)

    def _left(self, lease: Lease) -> float:
        return (lease.expires_at - self._clock()).total_seconds()

    def _take(self) -> None:
        self._lease = self._assume()
        life = self._left(self._lease)
        # Born expired: this machine's clock is wrong, and AWS will say when it is over.
        self._early = min(_EARLY_SECONDS, life / 4) if life > 0 else -math.inf
        self._late = min(_LATE_SECONDS, life / 6) if life > 0 else -math.inf

    def _refresh(self, seen: Lease) -> None:
        if self._lease is not seen:
            return
        if self._refusal is not None:
            raise self._refusal
        try:
            self._take()
        except AwsRefused as refusal:
            left = self._left(seen)
            if left <= 0:
                self._refusal = refusal
                raise
            # The old ones are good still. Tried again at half of what is left, not at every call.
            self._early = left / 2
            self._late = min(self._late, self._early)
            logger.warning(
                "credentials not refreshed yet", reason=str(refusal.reason), cause=refusal.cause
            )
