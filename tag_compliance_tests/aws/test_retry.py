"""Calls are limited, and retried until it does not help or the deadline is reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.retry import CallBudget, CallStats, RateLimiter
from tag_compliance.domain.read_status import Reason


@dataclass
class FakeTime:
    now: float = 100.0
    late: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds + self.late


@dataclass
class Attempt:
    """Fails `failures` times and then succeeds; each attempt takes `seconds`."""

    error: Exception
    failures: int
    time: FakeTime
    seconds: float = 0.0
    made: int = 0

    def __call__(self) -> str:
        self.made += 1
        self.time.now += self.seconds
        if self.made <= self.failures:
            raise self.error
        return "result"


def response(code: str, status: int = 400) -> ClientError:
    content = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(content, "GetResources")  # type: ignore[arg-type]


def budget_of(
    time: FakeTime, seconds: float = 60.0, rate: float = 0.0, dice: float = 0.5
) -> CallBudget:
    return CallBudget(seconds, rate, clock=time.clock, sleep=time.sleep, random=lambda: dice)


@settings(deadline=None)
@given(
    rate=st.floats(0.5, 200),
    late=st.floats(0, 0.2),
    work=st.lists(st.floats(0, 0.3), min_size=2, max_size=60),
)
def test_no_second_contains_more_calls_than_the_rate(
    rate: float, late: float, work: list[float]
) -> None:
    time = FakeTime(late=late)
    limiter = RateLimiter(rate, time.clock, time.sleep)
    starts = []
    for seconds in work:
        limiter.wait()
        starts.append(time.now)
        time.now += seconds

    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert min(gaps) >= 1 / rate - 1e-9


def test_the_limiter_waits_no_longer_than_necessary() -> None:
    time = FakeTime()
    limiter = RateLimiter(10, time.clock, time.sleep)

    for _ in range(11):
        limiter.wait()

    assert time.now == pytest.approx(101.0)


def test_a_rate_of_zero_never_waits() -> None:
    time = FakeTime()
    limiter = RateLimiter(0, time.clock, time.sleep)

    for _ in range(100):
        limiter.wait()

    assert time.sleeps == []


def test_retries_are_limited_like_first_attempts() -> None:
    time = FakeTime()
    budget = budget_of(time, rate=0.1, dice=0.0)

    budget.call("GetResources", Attempt(response("ThrottledException"), 2, time))

    assert time.now == pytest.approx(120.0)


@pytest.mark.parametrize("dice", [0.0, 0.37, 1.0])
def test_pauses_are_a_random_share_of_a_doubling_ceiling(dice: float) -> None:
    time = FakeTime()
    budget_of(time, seconds=1_000, dice=dice).call(
        "GetResources", Attempt(response("ThrottledException"), 9, time)
    )

    ceilings = [0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20.0, 20.0, 20.0]
    assert time.sleeps == pytest.approx([dice * ceiling for ceiling in ceilings])


def test_a_pause_after_thousands_of_failures_is_still_bounded() -> None:
    time = FakeTime()
    budget = budget_of(time, seconds=1e9)

    assert budget.call("GetResources", Attempt(response("Throttling"), 3_000, time)) == "result"
    assert max(time.sleeps) == 10.0


def test_throttled_calls_are_retried_until_the_deadline() -> None:
    time = FakeTime()
    budget = budget_of(time, seconds=60)

    with pytest.raises(AwsError, match="within region_deadline, 60 s") as caught:
        budget.call("GetResources", Attempt(response("ThrottledException"), 10_000, time))

    assert caught.value.reason is Reason.THROTTLED
    assert caught.value.attempts == 1
    assert 45 < budget.spent <= 60
    assert budget.stats.throttled_calls == budget.stats.calls == budget.stats.retries + 1


def test_no_call_starts_after_the_deadline() -> None:
    time = FakeTime()
    budget = budget_of(time, seconds=10)
    attempt = Attempt(response("unused"), 0, time, seconds=4)

    for _ in range(3):
        budget.call("GetResources", attempt)
    with pytest.raises(AwsError, match="not finished within region_deadline") as caught:
        budget.call("GetResources", attempt)

    assert caught.value.reason is Reason.TIMEOUT
    assert attempt.made == 3


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (response("AccessDeniedException"), 1),
        (response("InvalidParameterException"), 1),
        (response("ExpiredTokenException"), 3),
        (ConnectTimeoutError(endpoint_url="https://aws"), 3),
        (response("RequestTimeout"), 8),
    ],
    ids=str,
)
def test_each_reason_has_its_number_of_attempts(error: Exception, attempts: int) -> None:
    time = FakeTime()
    attempt = Attempt(error, 100, time)

    with pytest.raises(AwsError):
        budget_of(time, seconds=1_000).call("GetResources", attempt)

    assert attempt.made == attempts


def test_a_temporary_fault_has_no_effect_except_for_a_counted_retry() -> None:
    time = FakeTime()
    budget = budget_of(time)

    assert budget.call("GetResources", Attempt(response("Throttling"), 2, time)) == "result"
    assert budget.call("GetResources", Attempt(response("x", 503), 1, time)) == "result"

    assert budget.stats == CallStats(calls=5, retries=3, throttled_calls=2)


def test_a_stopped_scan_starts_no_call() -> None:
    time = FakeTime()
    budget = budget_of(time)
    budget.stopped = lambda: True
    attempt = Attempt(response("unused"), 0, time)

    with pytest.raises(AwsError, match="the scan was stopped"):
        budget.call("GetResources", attempt)

    assert attempt.made == 0


def test_the_original_error_is_not_part_of_a_traceback() -> None:
    time = FakeTime()

    with pytest.raises(AwsError) as caught:
        budget_of(time).call("GetResources", Attempt(response("AccessDenied"), 1, time))

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
