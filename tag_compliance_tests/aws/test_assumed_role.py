"""Credentials of a role are renewed before they end, and kept where that cannot be."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import ReadOnlyCredentials
from tag_compliance.aws.assumed_role import AssumedRole, ExpiringCredentials
from tag_compliance.domain.scan import Reason

from tag_compliance.aws.errors import AwsError


class FakeSts:
    """Hands out numbered credentials; refuses while it is told to."""

    def __init__(self, seconds: float = 3600) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = seconds
        self.calls = 0
        self.refuses = False

    def clock(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def assume(self) -> ExpiringCredentials:
        self.calls += 1
        if self.refuses:
            raise AwsError("AssumeRole", Reason.ASSUME_ROLE_DENIED, "no more")
        key = ReadOnlyCredentials(f"key-{self.calls}", "secret", "token")
        return ExpiringCredentials(key, self.now + timedelta(seconds=self.seconds))


@pytest.fixture
def sts() -> FakeSts:
    return FakeSts()


def test_credentials_are_kept_while_they_are_young(sts: FakeSts) -> None:
    role = AssumedRole(sts.assume, sts.clock)
    sts.pass_(2_600)

    assert role.frozen().access_key == "key-1"
    assert sts.calls == 1


@pytest.mark.parametrize(("life", "age"), [(3600, 2_701), (900, 676), (43_200, 42_301), (8, 6.1)])
def test_they_are_renewed_before_they_expire(sts: FakeSts, life: float, age: float) -> None:
    sts.seconds = life
    role = AssumedRole(sts.assume, sts.clock)
    sts.pass_(age)

    assert role.frozen().access_key == "key-2"
    assert role.frozen().access_key == "key-2"
    assert sts.calls == 2


def test_a_refusal_costs_nothing_while_the_old_ones_are_good(sts: FakeSts) -> None:
    role = AssumedRole(sts.assume, sts.clock)
    sts.refuses = True
    sts.pass_(2_800)

    for _ in range(100):
        assert role.frozen().access_key == "key-1"
    assert sts.calls == 2

    sts.refuses = False
    sts.pass_(500)
    assert role.frozen().access_key == "key-3"


def test_a_refusal_is_told_when_the_old_ones_have_expired_and_aws_is_not_asked_again(
    sts: FakeSts,
) -> None:
    role = AssumedRole(sts.assume, sts.clock)
    sts.refuses = True
    sts.pass_(3_600)

    for _ in range(3):
        with pytest.raises(AwsError, match="no more"):
            role.frozen()
    assert sts.calls == 2


def test_credentials_born_expired_are_used_and_not_fetched_for_every_call(sts: FakeSts) -> None:
    sts.seconds = -7_200
    role = AssumedRole(sts.assume, sts.clock)

    assert {role.frozen().access_key for _ in range(5)} == {"key-1"}


def test_one_thread_renews_while_the_others_go_on_with_what_they_hold(sts: FakeSts) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def assume() -> ExpiringCredentials:
        if sts.calls:
            asked.set()
            assert go_on.wait(10)
        return sts.assume()

    role = AssumedRole(assume, sts.clock)
    sts.pass_(2_800)
    renewing = threading.Thread(target=role.frozen)
    renewing.start()
    assert asked.wait(10)

    assert role.frozen().access_key == "key-1"

    go_on.set()
    renewing.join()
    assert role.frozen().access_key == "key-2"
    assert sts.calls == 2


def test_late_ones_are_renewed_once_for_all_threads_that_wait(sts: FakeSts) -> None:
    role = AssumedRole(sts.assume, sts.clock)
    sts.pass_(3_599)
    found: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(role.frozen().access_key)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == ["key-2"] * 8
    assert sts.calls == 2


def test_it_knows_its_newest_credentials(sts: FakeSts) -> None:
    role = AssumedRole(sts.assume, sts.clock)
    first = role.frozen()
    sts.pass_(3_000)
    second = role.frozen()

    assert (role.holds(first), role.holds(second)) == (False, True)
