"""How calls are limited and retried: a rate limit, backoff with jitter, and a deadline."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tag_compliance.aws.errors import AwsError, aws_error_of
from tag_compliance.domain.read_status import Reason
from tag_compliance.remote.time_limit import TimeLimitExceeded, run_within

T = TypeVar("T")

_FIRST_PAUSE_SECONDS = 0.2
_ALMOST = 0.9
"""Of the deadline: a timeout after this share of it was caused by it."""

_LONGEST_PAUSE_SECONDS = 20.0
_MAX_DOUBLINGS = 10
"""More than enough for the longest pause; without a limit the float would overflow."""


@dataclass(slots=True)
class CallStats:
    """How many calls were made; retries and throttled calls are among them."""

    calls: int = 0
    retries: int = 0
    throttled_calls: int = 0


@dataclass(slots=True)
class RateLimiter:
    """At most `rate` calls per second, without bursts; 0 means no limit.

    One for each account, region and source, because AWS limits the calls of each of them
    (https://docs.aws.amazon.com/general/latest/gr/arg.html). Not shared between threads.
    """

    rate: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    _next: float = field(default=0.0, init=False)

    def wait(self, until: float = math.inf) -> bool:
        """Waits for the next call; returns False immediately if that is after the time `until`."""
        if self.rate <= 0:
            return True
        now = self.clock()
        if self._next > until:
            return False
        if now < self._next:
            self.sleep(self._next - now)
        # Counted from the actual end of the sleep: if that is late, the next gap is not shorter.
        self._next = max(self.clock(), self._next) + 1.0 / self.rate
        return True


@dataclass(slots=True)
class CallBudget:
    """Limits the calls and the time for one source in one region, or for one role.

    `seconds` is the deadline, counted from the creation of the budget. `rate` is that of the
    `RateLimiter`. `random` returns a number from 0 to 1.
    """

    seconds: float
    rate: float = 0.0
    stats: CallStats = field(default_factory=CallStats)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    random: Callable[[], float] = random.random
    stopped: Callable[[], bool] = lambda: False
    _limiter: RateLimiter = field(init=False)
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._limiter = RateLimiter(self.rate, self.clock, self.sleep)
        self._started = self.clock()

    @property
    def spent(self) -> float:
        """Wall seconds since the start."""
        return self.clock() - self._started

    def call(self, operation: str, attempt: Callable[[], T]) -> T:
        """The result of `attempt`, which is called again if that may help and time remains.

        Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        Raises `AwsError` without the original error, because a traceback would show its text, in
        which AWS may quote the session token.
        """
        failure, failures = None, 0
        while True:
            self._await_turn(operation, failure, failures)
            self.stats.calls += 1
            try:
                return attempt()
            except Exception as error:  # noqa: BLE001 - each is converted into an AwsError
                failures += 1
                latest = aws_error_of(operation, error)
                # An attempt that the deadline cut short does not hide why the others failed.
                if failure is None or not self._is_cut_short(latest):
                    failure = latest
                self.stats.throttled_calls += failure.reason is Reason.THROTTLED
                doublings = min(failures, _MAX_DOUBLINGS)
                ceiling = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**doublings)
                pause = ceiling * self.random()
                if failures >= failure.attempts:
                    raise _given_up(failure, failures) from None
                if self.spent + pause > self.seconds:
                    raise self._late(operation, failure, failures) from None
            self.stats.retries += 1
            self.sleep(pause)

    def _is_cut_short(self, failure: AwsError) -> bool:
        return failure.reason is Reason.TIMEOUT and self.spent >= _ALMOST * self.seconds

    def limit(self, operation: str, work: Callable[[], T]) -> T:
        """The result of `work`, which is given up at the deadline whatever it is doing.

        Raises what `work` raises, or `AwsError`.
        """
        try:
            return run_within(self.seconds - self.spent, work, threading.current_thread().name)
        except TimeLimitExceeded:
            raise self._late(operation) from None

    def _await_turn(self, operation: str, failure: AwsError | None, failures: int) -> None:
        """Before the first attempt, too, because pagination may otherwise never end."""
        in_time = self._limiter.wait(self._started + self.seconds)
        if self.stopped():
            raise AwsError(operation, Reason.INTERNAL, "the scan was stopped")
        if self.spent > self.seconds:
            raise self._late(operation, failure, failures)
        if not in_time:
            cause = (
                f"the rate limit, {self.rate:g} calls per second (key calls_per_second for "
                f"GetResources), allows no further call within region_deadline, {self.seconds:g} "
                "s; increase one of them"
            )
            raise AwsError(operation, Reason.TIMEOUT, cause)

    def _late(self, operation: str, failure: AwsError | None = None, failures: int = 0) -> AwsError:
        bound = f" within region_deadline, {self.seconds:g} s"
        if failure is not None:
            return _given_up(failure, failures, bound)
        return AwsError(operation, Reason.TIMEOUT, f"not finished{bound}")


def _given_up(failure: AwsError, attempts: int, bound: str = "") -> AwsError:
    if attempts == 1 and not bound:
        return failure
    noun = "attempt" if attempts == 1 else "attempts"
    cause = f"{failure.cause} (after {attempts} {noun}{bound})"
    return AwsError(failure.operation, failure.reason, cause)
