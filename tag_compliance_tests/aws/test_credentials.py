"""The credentials of a role are refreshed before they expire, and kept while that fails."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import ReadOnlyCredentials

from tag_compliance.aws.credentials import AssumedRole, ExpiringCredentials
from tag_compliance.aws.errors import AwsError
from tag_compliance.domain.read_status import Reason


class FakeSts:
    """Issues numbered credentials; fails while `fails` is set."""

    def __init__(self, seconds: float = 3600) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = seconds
        self.calls = 0
        self.fails = False

    def clock(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def assume(self) -> ExpiringCredentials:
        self.calls += 1
        if self.fails:
            raise AwsError("AssumeRole", Reason.ASSUME_ROLE_DENIED, "no more")
        key = ReadOnlyCredentials(f"key-{self.calls}", "secret", "token")
        return ExpiringCredentials(key, self.now + timedelta(seconds=self.seconds))


@pytest.fixture
def sts() -> FakeSts:
    return FakeSts()


@pytest.fixture
def role(sts: FakeSts) -> AssumedRole:
    return AssumedRole(sts.assume, sts.clock)


def test_credentials_are_used_again_while_they_are_valid_for_long(
    sts: FakeSts, role: AssumedRole
) -> None:
    sts.advance(2_600)

    assert role.credentials().access_key == "key-1"
    assert sts.calls == 1


@pytest.mark.parametrize(("life", "age"), [(3600, 2_701), (900, 676), (43_200, 42_301), (8, 6.1)])
def test_credentials_are_refreshed_before_they_expire(
    sts: FakeSts, life: float, age: float
) -> None:
    sts.seconds = life
    role = AssumedRole(sts.assume, sts.clock)
    sts.advance(age)

    assert role.credentials().access_key == "key-2"
    assert role.credentials().access_key == "key-2"
    assert sts.calls == 2


def test_a_failed_refresh_is_not_repeated_at_once_and_the_old_credentials_are_used(
    sts: FakeSts, role: AssumedRole
) -> None:
    sts.fails = True
    sts.advance(2_800)

    for _ in range(100):
        assert role.credentials().access_key == "key-1"
    assert sts.calls == 2

    sts.fails = False
    sts.advance(500)
    assert role.credentials().access_key == "key-3"


def test_a_failed_refresh_is_raised_once_the_old_credentials_expired_and_not_repeated(
    sts: FakeSts, role: AssumedRole
) -> None:
    sts.fails = True
    sts.advance(3_600)

    for _ in range(3):
        with pytest.raises(AwsError, match="no more"):
            role.credentials()
    assert sts.calls == 2


def test_credentials_that_seem_expired_from_the_start_are_used_and_not_refreshed_for_every_call(
    sts: FakeSts,
) -> None:
    sts.seconds = -7_200
    role = AssumedRole(sts.assume, sts.clock)

    assert {role.credentials().access_key for _ in range(5)} == {"key-1"}


def test_one_thread_refreshes_while_the_others_use_the_old_credentials(sts: FakeSts) -> None:
    called, go_on = threading.Event(), threading.Event()

    def assume() -> ExpiringCredentials:
        if sts.calls:
            called.set()
            assert go_on.wait(10)
        return sts.assume()

    role = AssumedRole(assume, sts.clock)
    sts.advance(2_800)
    refreshing = threading.Thread(target=role.credentials)
    refreshing.start()
    assert called.wait(10)

    assert role.credentials().access_key == "key-1"

    go_on.set()
    refreshing.join()
    assert role.credentials().access_key == "key-2"
    assert sts.calls == 2


def test_credentials_that_are_about_to_expire_are_refreshed_once_for_all_threads(
    sts: FakeSts, role: AssumedRole
) -> None:
    sts.advance(3_599)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: role.credentials().access_key, range(8)))

    assert found == ["key-2"] * 8
    assert sts.calls == 2


def test_only_the_newest_credentials_are_the_current_ones(sts: FakeSts, role: AssumedRole) -> None:
    first = role.credentials()
    sts.advance(3_000)
    second = role.credentials()

    assert (role.holds(first), role.holds(second)) == (False, True)
