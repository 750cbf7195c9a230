"""The source `tagging` returns every resource of a region, or raises."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import READ_SECONDS, Clients
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.retry import CallBudget, CallStats
from tag_compliance.aws.sources.tagging_api import TaggingApi
from tag_compliance.aws.targets import RoleStep
from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.resources import RESOURCE_SCHEMA
from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.aws import Start

ID, REGION = AccountId("100000000000"), RegionName("us-east-1")


@pytest.fixture
def fake(start: Start) -> FakeAws:
    """A region of three pages."""
    return start(generate_organization(1, [REGION], 250))


def budget_of(seconds: float = 20) -> CallBudget:
    return CallBudget(seconds, random=lambda: 0.0)


def read(budget: CallBudget | None = None, **settings: Any) -> pa.Table:
    budget = budget or budget_of()

    def new_budget(stats: CallStats) -> CallBudget:
        return CallBudget(budget.seconds, stats=stats, random=lambda: 0.0)

    clients = Clients(1, budget.seconds)
    steps = (RoleStep(f"arn:aws:iam::{ID}:role/terraform", "tag-compliance", 3600),)
    session = AccountSession(
        clients, Target(ID, AccountName("first"), (REGION,)), steps, new_budget
    )
    return TaggingApi(clients, **settings).read(session, REGION, budget)


def test_every_page_is_read(fake: FakeAws) -> None:
    budget = budget_of()
    table = read(budget)

    assert table.schema == RESOURCE_SCHEMA
    assert len(table) == len(set(table["arn"].to_pylist())) == 250
    assert budget.stats == CallStats(calls=3)


@pytest.mark.parametrize("page", [0, 1, "last"])
def test_a_page_that_cannot_be_read_ends_the_region_with_an_error(fake: FakeAws, page: Any) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="GetResources", page=page)
    budget = budget_of()

    with pytest.raises(AwsError) as caught:
        read(budget)

    assert caught.value.reason is Reason.ACCESS_DENIED
    assert budget.stats.calls == (3 if page == "last" else page + 1)


def test_a_region_that_is_started_over_has_each_resource_once(fake: FakeAws) -> None:
    fake.faults.add(Fault.PAGINATION_TOKEN_EXPIRED, page="last", times=3)
    budget = budget_of()

    assert len(read(budget)) == 250
    assert budget.stats.calls == 4 * 3


def test_a_region_is_started_over_three_times_at_most(fake: FakeAws) -> None:
    fake.faults.add(Fault.PAGINATION_TOKEN_EXPIRED, page="last")

    with pytest.raises(AwsError, match="started over 3 times") as caught:
        read()

    assert caught.value.reason is Reason.EXPIRED_TOKEN
    assert fake.calls.count("GetResources") == 4 * 3


def test_a_repeated_pagination_token_ends_the_region_at_once(fake: FakeAws) -> None:
    fake.faults.add(Fault.REPEAT_TOKEN, page=1)

    with pytest.raises(AwsError, match="has been used before") as caught:
        read()

    assert caught.value.reason is Reason.MALFORMED_RESPONSE
    assert fake.calls.count("GetResources") == 2


def test_endless_pages_end_at_the_deadline(fake: FakeAws) -> None:
    fake.faults.add(Fault.ENDLESS)
    budget = budget_of(3)

    with pytest.raises(AwsError) as caught:
        read(budget)

    assert caught.value.reason is Reason.TIMEOUT
    assert budget.stats.calls > 3


@pytest.mark.timeout(READ_SECONDS)
def test_a_call_without_a_response_ends_at_the_deadline(fake: FakeAws) -> None:
    fake.faults.add(Fault.HANG, operation="GetResources")

    with pytest.raises(AwsError) as caught:
        read(budget_of(1))

    assert caught.value.reason is Reason.TIMEOUT


def test_a_session_that_aws_ends_early_is_renewed_and_reading_continues(fake: FakeAws) -> None:
    fake.faults.add(Fault.EXPIRED_TOKEN, operation="GetResources", page=1, times=1)
    budget = budget_of()

    assert len(read(budget)) == 250
    assert fake.calls.count("AssumeRole") == 2
    assert budget.stats.retries == 1


def test_a_test_of_the_region_reads_only_the_requested_pages(fake: FakeAws) -> None:
    assert len(read(max_pages=1)) == 100
    assert fake.calls.count("GetResources") == 1


def test_an_error_does_not_carry_the_response_of_aws(fake: FakeAws) -> None:
    fake.faults.add(Fault.QUOTED_REQUEST, operation="GetResources")

    with pytest.raises(AwsError) as caught:
        read()

    assert not isinstance(caught.value.__cause__, ClientError)
    assert not [secret for secret in fake.issued_secrets() if secret in str(caught.value)]
