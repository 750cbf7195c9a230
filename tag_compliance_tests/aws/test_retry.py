"""Calls are limited, and retried until it does not help or the deadline is reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
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

    def limiter(self, rate: float) -> RateLimiter:
        return RateLimiter(rate, self.clock, self.sleep)

    def budget(self, seconds: float = 60.0, rate: float = 0.0, dice: float = 0.5) -> CallBudget:
        return CallBudget(seconds, rate, clock=self.clock, sleep=self.sleep, random=lambda: dice)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@dataclass
class Attempt:
    """Fails `failures` times and then succeeds."""

    error: Exception
    failures: int
    made: int = 0

    def __call__(self) -> str:
        self.made += 1
        if self.made <= self.failures:
            raise self.error
        return "result"


def response(code: str, status: int = 400) -> ClientError:
    content = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(content, "GetResources")  # type: ignore[arg-type]


def throttled(failures: int) -> Attempt:
    return Attempt(response("ThrottledException"), failures)


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
    limiter = time.limiter(rate)
    starts = []
    for seconds in work:
        limiter.wait()
        starts.append(time.now)
        time.now += seconds

    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert min(gaps) >= 1 / rate - 1e-9


@pytest.mark.parametrize(("rate", "seconds"), [(10, 1.0), (0, 0.0)])
def test_the_limiter_waits_no_longer_than_necessary(
    time: FakeTime, rate: float, seconds: float
) -> None:
    limiter = time.limiter(rate)

    for _ in range(11):
        limiter.wait()

    assert sum(time.sleeps) == pytest.approx(seconds)


def test_retries_are_limited_like_first_attempts(time: FakeTime) -> None:
    time.budget(rate=0.1, dice=0.0).call("GetResources", throttled(2))

    assert time.now == pytest.approx(120.0)


@pytest.mark.parametrize("rate", [0.05, 0.0001, 5e-324])
def test_a_low_rate_limit_does_not_outlast_the_deadline(time: FakeTime, rate: float) -> None:
    budget = time.budget(seconds=3, rate=rate)
    budget.call("GetResources", Attempt(response("X"), 0))
    with pytest.raises(AwsError, match=r"rate limit, .*, allows no further call") as caught:
        budget.call("GetResources", Attempt(response("X"), 0))
    assert caught.value.reason is Reason.TIMEOUT
    assert (time.sleeps, budget.stats.calls) == ([], 1)


def test_no_call_is_made_if_the_scan_stops_while_the_limiter_waits() -> None:
    time = FakeTime()
    stopped = time.sleeps.__len__
    budget = CallBudget(60, 0.1, clock=time.clock, sleep=time.sleep, stopped=lambda: stopped() > 0)
    budget.call("GetResources", Attempt(response("X"), 0))
    with pytest.raises(AwsError, match="the scan was stopped"):
        budget.call("GetResources", Attempt(response("X"), 0))
    assert budget.stats.calls == 1


@pytest.mark.parametrize("dice", [0.0, 0.37, 1.0])
def test_pauses_are_a_random_share_of_a_doubling_ceiling(time: FakeTime, dice: float) -> None:
    time.budget(seconds=1_000, dice=dice).call("GetResources", throttled(9))

    ceilings = [0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20.0, 20.0, 20.0]
    assert time.sleeps == pytest.approx([dice * ceiling for ceiling in ceilings])


def test_a_pause_after_thousands_of_failures_is_still_bounded(time: FakeTime) -> None:
    assert time.budget(seconds=1e9).call("GetResources", throttled(3_000)) == "result"
    assert max(time.sleeps) == 10.0


def test_throttled_calls_are_retried_until_the_deadline(time: FakeTime) -> None:
    budget = time.budget(seconds=60)

    with pytest.raises(AwsError, match="within region_deadline, 60 s") as caught:
        budget.call("GetResources", throttled(10_000))

    assert (caught.value.reason, caught.value.attempts) == (Reason.THROTTLED, 1)
    assert 45 < budget.spent <= 60
    assert budget.stats.throttled_calls == budget.stats.calls == budget.stats.retries + 1


def test_a_deadline_that_passes_during_a_pause_is_reported_with_the_last_failure() -> None:
    budget, attempt = FakeTime(late=100).budget(seconds=60), throttled(10_000)

    with pytest.raises(AwsError, match="1 attempt within region_deadline, 60 s") as caught:
        budget.call("GetResources", attempt)

    assert caught.value.reason is Reason.THROTTLED
    assert attempt.made == 1


def test_no_call_starts_after_the_deadline(time: FakeTime) -> None:
    budget, attempt = time.budget(seconds=10), throttled(0)
    for _ in range(3):
        budget.call("GetResources", attempt)
        time.now += 4

    with pytest.raises(AwsError, match="not finished within region_deadline") as caught:
        budget.call("GetResources", attempt)

    assert caught.value.reason is Reason.TIMEOUT
    assert attempt.made == 3


@pytest.mark.parametrize(("code", "attempts"), [("AccessDenied", 1), ("RequestTimeout", 8)])
def test_a_call_is_attempted_as_often_as_its_error_allows(
    time: FakeTime, code: str, attempts: int
) -> None:
    attempt = Attempt(response(code), 100)

    with pytest.raises(AwsError):
        time.budget(seconds=1_000).call("GetResources", attempt)

    assert attempt.made == attempts


def test_a_temporary_fault_has_no_effect_except_for_a_counted_retry(time: FakeTime) -> None:
    budget = time.budget()

    assert budget.call("GetResources", throttled(2)) == "result"
    assert budget.call("GetResources", Attempt(response("x", 503), 1)) == "result"

    assert budget.stats == CallStats(calls=5, retries=3, throttled_calls=2)


def test_a_stopped_scan_starts_no_call(time: FakeTime) -> None:
    budget, attempt = time.budget(), throttled(0)
    budget.stopped = lambda: True

    with pytest.raises(AwsError, match="the scan was stopped"):
        budget.call("GetResources", attempt)

    assert attempt.made == 0


def test_the_original_error_is_not_part_of_a_traceback(time: FakeTime) -> None:
    with pytest.raises(AwsError) as caught:
        time.budget().call("GetResources", Attempt(response("AccessDenied"), 1))

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_attempt_that_the_deadline_cuts_short_does_not_hide_why_the_others_failed(
    time: FakeTime,
) -> None:
    budget, errors = time.budget(seconds=10.0), iter([response("ThrottlingException")])

    def attempt() -> str:
        if error := next(errors, None):
            raise error
        time.now = 110.0
        raise ReadTimeoutError(endpoint_url="http://aws.test")

    with pytest.raises(AwsError, match="ThrottlingException") as caught:
        budget.call("GetResources", attempt)
    assert caught.value.reason is Reason.THROTTLED
