"""How often and how long a call is tried: a token bucket, jittered backoff, and a deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, TypeVar

from tag_compliance.aws.refusal import AwsRefused, refusal_of
from tag_compliance.domain.scan import Reason

T = TypeVar("T")

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 20.0
_MOST_DOUBLINGS = 10  # which is longer than that; without a bound a float overflows one day


@dataclass(slots=True)
class Tally:
    """What reading something has cost so far, in calls."""

    calls: int = 0
    retries: int = 0
    throttled_calls: int = 0

    def __iadd__(self, other: Tally) -> Self:
        self.calls += other.calls
        self.retries += other.retries
        self.throttled_calls += other.throttled_calls
        return self


@dataclass(slots=True)
class TokenBucket:
    """At most `rate` calls a second (0: no bound), one token at a time: no burst exceeds it.

    One for each account and region: that is what AWS's limit counts by
    (https://docs.aws.amazon.com/general/latest/gr/arg.html). Not shared between threads.
    """

    rate: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _next: float = field(default=0.0, init=False)

    def take(self) -> None:
        if self.rate <= 0:
            return
        now = self.clock()
        if now < self._next:
            self.sleep(self._next - now)
        # From when it woke, not from when it should have: the next gap is no shorter then.
        self._next = max(self.clock(), self._next) + 1.0 / self.rate


@dataclass(slots=True)
class Pace:
    """One region's, or one account's, allowance of calls and time."""

    bucket: TokenBucket
    seconds: float
    tally: Tally = field(default_factory=Tally)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    stopped: Callable[[], bool] = lambda: False
    started: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def spent(self) -> float:
        """Wall seconds since the start."""
        return self.clock() - self.started

    def check(self, operation: str) -> None:
        """Raises where the time is up: pagination that never ends would go on without an error."""
        if self.stopped():
            raise AwsRefused(operation, Reason.INTERNAL, "the scan was stopped")
        if self.spent > self.seconds:
            cause = f"not finished within region_deadline, {self.seconds:g} s"
            raise AwsRefused(operation, Reason.TIMEOUT, cause)

    def call(self, operation: str, attempt: Callable[[], T]) -> T:
        """The answer of `attempt`, tried again where that may help and the time allows.

        Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        Raises `AwsRefused`, and without the error behind it: a traceback would show its text, in
        which AWS may quote the session token.
        """
        failures = 0
        while True:
            self.check(operation)
            self.bucket.take()
            self.tally.calls += 1
            try:
                return attempt()
            except Exception as error:  # noqa: BLE001 - each is turned into a refusal
                refusal = refusal_of(operation, error)
                failures += 1
                self.tally.throttled_calls += refusal.reason is Reason.THROTTLED
                ceiling = min(
                    _LONGEST_PAUSE_SECONDS,
                    _FIRST_PAUSE_SECONDS * 2 ** min(failures, _MOST_DOUBLINGS),
                )
                pause = ceiling * self.random()
                if failures >= refusal.attempts:
                    raise _given_up(refusal, failures) from None
                if self.spent + pause > self.seconds:
                    raise _given_up(refusal, failures, self.seconds) from None
            self.tally.retries += 1
            self.sleep(pause)


def _given_up(refusal: AwsRefused, attempts: int, deadline: float | None = None) -> AwsRefused:
    if attempts == 1 and deadline is None:
        return refusal
    noun = "attempt" if attempts == 1 else "attempts"
    bound = f" within region_deadline, {deadline:g} s" if deadline is not None else ""
    cause = f"{refusal.cause} (after {attempts} {noun}{bound})"
    return AwsRefused(refusal.operation, refusal.reason, cause)
