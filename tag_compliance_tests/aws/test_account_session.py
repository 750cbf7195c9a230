"""An account's role is assumed once, and its credentials are renewed while a scan lasts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.retry import CallStats
from tag_compliance.aws.targets import RoleStep
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import Reason
from tag_compliance_tests.aws.sessions import ID, ROLE, TARGET, session_of
from tag_compliance_tests.fake_aws import BASE_ACCOUNT_ID, FakeAws, Fault, Organization
from tag_compliance_tests.support.aws import Start

HUB_ID = "222222222222"
HUB = RoleStep(f"arn:aws:iam::{HUB_ID}:role/hub", "tag-compliance", 3600)

New = Callable[..., AccountSession]


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


@pytest.fixture
def new(fake: FakeAws, clock: FakeClock) -> New:
    """Creates a session with these roles and the clock of the fake."""
    return partial(session_of, clock=clock)


def test_a_role_is_assumed_once_for_all_threads_of_an_account(fake: FakeAws, new: New) -> None:
    session = new(ROLE)
    with ThreadPoolExecutor(8) as pool:
        found = {pool.submit(session.credentials).result() for _ in range(40)}

    assert len(found) == 1
    assert fake.calls.count("AssumeRole", ID) == 1
    assert session.stats == CallStats(calls=1)


@pytest.mark.parametrize("external_id", ["blue", None])
def test_a_role_is_assumed_as_it_is_configured(
    fake: FakeAws, new: New, external_id: str | None
) -> None:
    new(RoleStep(ROLE.role_arn, "auditor", 7200, external_id)).credentials()

    (call,) = fake.calls.matching("AssumeRole")
    assert {name: call.parameters.get(name) for name in call.parameters.keys() - {"Version"}} == {
        "RoleArn": ROLE.role_arn,
        "RoleSessionName": "auditor",
        "DurationSeconds": "7200",
        **({"ExternalId": external_id} if external_id else {}),
    }


def test_each_role_of_a_chain_is_assumed_with_the_previous_one(fake: FakeAws, new: New) -> None:
    new(HUB, ROLE).credentials()

    first, second = fake.calls.matching("AssumeRole")
    assert first.caller.account_id == BASE_ACCOUNT_ID
    assert second.caller.account_id == HUB_ID
    assert second.caller.arn.endswith("assumed-role/hub/tag-compliance")


def test_both_roles_of_a_chain_are_renewed_before_they_expire(
    fake: FakeAws, new: New, clock: FakeClock
) -> None:
    session = new(HUB, ROLE)
    first = session.credentials()
    clock.advance(3_500)

    second = session.credentials()

    assert second != first
    assumed = [call.account_id for call in fake.calls.matching("AssumeRole")]
    assert assumed == [HUB_ID, ID, HUB_ID, ID]


def test_a_denied_role_of_a_chain_is_named_in_the_error(fake: FakeAws, new: New) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=ID)

    with pytest.raises(AwsError, match=rf"assumed-role/hub/.*{ROLE.role_arn}"):
        new(HUB, ROLE).credentials()


@pytest.mark.parametrize("operation", ["AssumeRole", "GetCallerIdentity"])
@pytest.mark.parametrize("fault", [Fault.NOT_JSON, Fault.TRUNCATED_BODY])
def test_a_malformed_response_of_sts_is_reported_without_its_content(
    fake: FakeAws, new: New, operation: str, fault: Fault
) -> None:
    fake.faults.add(fault, operation=operation)
    session = new(*([ROLE] if operation == "AssumeRole" else []))

    with pytest.raises(AwsError) as caught:
        session.credentials()

    assert caught.value.reason is Reason.MALFORMED_RESPONSE
    assert not [secret for secret in fake.issued_secrets() if secret in str(caught.value)]
    assert fake.calls.count(operation) == 3


def test_expired_credentials_are_renewed_once_for_all_threads(fake: FakeAws, new: New) -> None:
    session = new(ROLE)
    first = session.credentials()

    for _ in range(5):
        session.renew(first)
        assert session.credentials() != first

    assert fake.calls.count("AssumeRole") == 2


def test_without_a_role_the_account_of_the_base_credentials_is_verified_once(
    fake: FakeAws, new: New
) -> None:
    session = new(target=replace(TARGET, account_id=AccountId(BASE_ACCOUNT_ID)))
    for _ in range(3):
        session.credentials()

    assert [call.operation for call in fake.calls] == ["GetCallerIdentity"]


def test_base_credentials_of_another_account_are_rejected(fake: FakeAws, new: New) -> None:
    with pytest.raises(AwsError, match=f"belong to account {BASE_ACCOUNT_ID}") as caught:
        new().credentials()

    assert caught.value.reason is Reason.ACCESS_DENIED
    assert fake.calls.count("GetResources") == 0
