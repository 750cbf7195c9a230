"""An account's role is assumed once, and its credentials are renewed while a scan lasts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.retry import CallBudget, CallStats
from tag_compliance.aws.targets import RoleStep
from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target
from tag_compliance.domain.read_status import Reason
from tag_compliance_tests.fake_aws import BASE_ACCOUNT_ID, FakeAws, Fault, Organization
from tag_compliance_tests.support.aws import Start

ID, HUB_ID = AccountId("111111111111"), AccountId("222222222222")
ROLE = RoleStep(f"arn:aws:iam::{ID}:role/terraform", "tag-compliance", 3600)
HUB = RoleStep(f"arn:aws:iam::{HUB_ID}:role/hub", "tag-compliance", 3600)


class FakeClock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def fake(start: Start, clock: FakeClock) -> FakeAws:
    organization = Organization()
    for account_id in (ID, HUB_ID):
        organization.add_account(account_id)
    return start(organization, now=clock)


def session_of(clock: FakeClock, *steps: RoleStep, account_id: str = ID) -> AccountSession:
    def new_budget(stats: CallStats) -> CallBudget:
        return CallBudget(10, stats=stats, random=lambda: 0.0)

    target = Target(AccountId(account_id), AccountName("an account"), (RegionName("us-east-1"),))
    return AccountSession(Clients(4), target, steps, new_budget, clock)


def assumed(fake: FakeAws) -> list[Any]:
    return [call.parameters for call in fake.calls.matching("AssumeRole")]


def test_a_role_is_assumed_once_for_all_threads_of_an_account(
    fake: FakeAws, clock: FakeClock
) -> None:
    session = session_of(clock, ROLE)
    with ThreadPoolExecutor(8) as pool:
        found = {pool.submit(session.credentials).result() for _ in range(40)}

    assert len(found) == 1
    assert fake.calls.count("AssumeRole", ID) == 1
    assert session.stats == CallStats(calls=1)


def test_a_role_is_assumed_as_it_is_configured(fake: FakeAws, clock: FakeClock) -> None:
    step = RoleStep(ROLE.role_arn, "auditor", 7200, "blue")
    session_of(clock, step).credentials()

    (parameters,) = assumed(fake)
    assert parameters["RoleArn"] == ROLE.role_arn
    assert parameters["RoleSessionName"] == "auditor"
    assert parameters["DurationSeconds"] == "7200"
    assert parameters["ExternalId"] == "blue"


def test_without_an_external_id_none_is_sent(fake: FakeAws, clock: FakeClock) -> None:
    session_of(clock, ROLE).credentials()

    assert "ExternalId" not in assumed(fake)[0]


def test_each_role_of_a_chain_is_assumed_with_the_previous_one(
    fake: FakeAws, clock: FakeClock
) -> None:
    session_of(clock, HUB, ROLE).credentials()

    first, second = fake.calls.matching("AssumeRole")
    assert first.caller.account_id == BASE_ACCOUNT_ID
    assert second.caller.account_id == HUB_ID
    assert second.caller.arn.endswith("assumed-role/hub/tag-compliance")


def test_both_roles_of_a_chain_are_renewed_before_they_expire(
    fake: FakeAws, clock: FakeClock
) -> None:
    session = session_of(clock, HUB, ROLE)
    first = session.credentials()
    clock.advance(3_500)

    second = session.credentials()

    assert second != first
    assert [call.account_id for call in fake.calls.matching("AssumeRole")] == [
        HUB_ID,
        ID,
        HUB_ID,
        ID,
    ]


def test_a_denied_role_is_requested_once_and_no_other_credentials_are_used(
    fake: FakeAws, clock: FakeClock
) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    session = session_of(clock, ROLE)

    for _ in range(3):
        with pytest.raises(AwsError) as caught:
            session.credentials()
        assert caught.value.reason is Reason.ASSUME_ROLE_DENIED
    assert fake.calls.count() == 1


def test_a_denied_role_of_a_chain_is_named_in_the_error(fake: FakeAws, clock: FakeClock) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=ID)

    with pytest.raises(AwsError, match=rf"assumed-role/hub/.*{ROLE.role_arn}"):
        session_of(clock, HUB, ROLE).credentials()


def test_calls_that_sts_throttles_are_retried_and_counted(fake: FakeAws, clock: FakeClock) -> None:
    fake.faults.add(Fault.THROTTLED, operation="AssumeRole", times=2)
    session = session_of(clock, ROLE)

    assert session.credentials()
    assert session.stats == CallStats(calls=3, retries=2, throttled_calls=2)


@pytest.mark.parametrize("operation", ["AssumeRole", "GetCallerIdentity"])
@pytest.mark.parametrize("fault", [Fault.NOT_JSON, Fault.TRUNCATED_BODY])
def test_a_malformed_response_of_sts_is_reported_without_its_content(
    fake: FakeAws, clock: FakeClock, operation: str, fault: Fault
) -> None:
    fake.faults.add(fault, operation=operation)
    session = session_of(clock, *([ROLE] if operation == "AssumeRole" else []))

    with pytest.raises(AwsError) as caught:
        session.credentials()

    assert caught.value.reason is Reason.MALFORMED_RESPONSE
    assert not [secret for secret in fake.issued_secrets() if secret in str(caught.value)]
    assert fake.calls.count(operation) == 3


def test_the_role_is_assumed_again_when_aws_reports_that_its_credentials_expired(
    fake: FakeAws, clock: FakeClock
) -> None:
    session = session_of(clock, ROLE)
    first = session.credentials()

    session.renew(first)

    assert session.credentials() != first
    assert fake.calls.count("AssumeRole") == 2


def test_expired_credentials_are_renewed_once_for_all_threads(
    fake: FakeAws, clock: FakeClock
) -> None:
    session = session_of(clock, ROLE)
    first = session.credentials()

    for _ in range(5):
        session.renew(first)
        session.credentials()

    assert fake.calls.count("AssumeRole") == 2


def test_without_a_role_the_account_of_the_base_credentials_is_verified_once(
    fake: FakeAws, clock: FakeClock
) -> None:
    session = session_of(clock, account_id=BASE_ACCOUNT_ID)
    for _ in range(3):
        session.credentials()

    assert [call.operation for call in fake.calls] == ["GetCallerIdentity"]


def test_base_credentials_of_another_account_are_rejected(fake: FakeAws, clock: FakeClock) -> None:
    with pytest.raises(AwsError, match=f"belong to account {BASE_ACCOUNT_ID}") as caught:
        session_of(clock).credentials()

    assert caught.value.reason is Reason.ACCESS_DENIED
    assert fake.calls.count("GetResources") == 0
