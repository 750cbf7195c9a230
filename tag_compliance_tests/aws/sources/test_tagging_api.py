"""The source `tagging` returns every resource of a region, or raises."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from tag_compliance.aws.clients import READ_SECONDS, Clients
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.retry import CallBudget, CallStats
from tag_compliance.aws.sources.tagging_api import TaggingApi
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.resources import RESOURCE_SCHEMA
from tag_compliance_tests.aws.sessions import ROLE, VIRGINIA, new_budget, session_of
from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.aws import Start


@pytest.fixture
def fake(start: Start) -> FakeAws:
    """A region of three pages."""
    return start(generate_organization(1, [VIRGINIA], 250))


def read(budget: CallBudget, **settings: Any) -> pa.Table:
    clients = Clients(1, budget.seconds)
    source = TaggingApi(clients, 0, **settings)
    return source.read(session_of(ROLE, clients=clients), VIRGINIA, budget)


def failure_of(budget: CallBudget) -> AwsError:
    with pytest.raises(AwsError) as caught:
        read(budget)
    return caught.value


def test_every_page_is_read(fake: FakeAws) -> None:
    budget = new_budget()
    table = read(budget)

    assert table.schema == RESOURCE_SCHEMA
    assert len(table) == len(set(table["arn"].to_pylist())) == 250
    assert budget.stats == CallStats(calls=3)


@pytest.mark.parametrize("page", [0, 1, "last"])
def test_an_empty_page_does_not_end_a_region(fake: FakeAws, page: Any) -> None:
    fake.faults.add(Fault.EMPTY_PAGE, page=page, times=3)
    budget = new_budget()

    assert len(set(read(budget)["arn"].to_pylist())) == 250
    assert budget.stats.calls > 3


@pytest.mark.parametrize(("page", "calls"), [(0, 1), (1, 2), ("last", 3)])
def test_a_page_that_cannot_be_read_ends_the_region_with_an_error(
    fake: FakeAws, page: Any, calls: int
) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="GetResources", page=page)
    budget = new_budget()

    assert failure_of(budget).reason is Reason.ACCESS_DENIED
    assert budget.stats.calls == calls


def test_a_region_that_is_started_over_has_each_resource_once(fake: FakeAws) -> None:
    fake.faults.add(Fault.PAGINATION_TOKEN_EXPIRED, page="last", times=3)
    budget = new_budget()

    assert len(read(budget)) == 250
    assert budget.stats.calls == 4 * 3


def test_a_region_is_started_over_three_times_at_most(fake: FakeAws) -> None:
    fake.faults.add(Fault.PAGINATION_TOKEN_EXPIRED, page="last")

    failure = failure_of(new_budget())

    assert failure.reason is Reason.EXPIRED_TOKEN
    assert "started over 3 times" in failure.cause
    assert fake.calls.count("GetResources") == 4 * 3


def test_a_repeated_pagination_token_ends_the_region_at_once(fake: FakeAws) -> None:
    fake.faults.add(Fault.REPEAT_TOKEN, page=1)

    failure = failure_of(new_budget())

    assert failure.reason is Reason.MALFORMED_RESPONSE
    assert "has been used before" in failure.cause
    assert fake.calls.count("GetResources") == 2


def test_endless_pages_end_at_the_deadline(fake: FakeAws) -> None:
    fake.faults.add(Fault.ENDLESS)
    budget = new_budget(seconds=3)

    assert failure_of(budget).reason is Reason.TIMEOUT
    assert budget.stats.calls > 3


@pytest.mark.timeout(READ_SECONDS)
def test_a_call_without_a_response_ends_at_the_deadline(fake: FakeAws) -> None:
    fake.faults.add(Fault.HANG, operation="GetResources")

    assert failure_of(new_budget(seconds=1)).reason is Reason.TIMEOUT


def test_a_session_that_aws_ends_early_is_renewed_and_reading_continues(fake: FakeAws) -> None:
    fake.faults.add(Fault.EXPIRED_TOKEN, operation="GetResources", page=1, times=1)
    budget = new_budget()

    assert len(read(budget)) == 250
    assert fake.calls.count("AssumeRole") == 2
    assert budget.stats.retries == 1


def test_a_test_of_the_region_reads_only_the_requested_pages(fake: FakeAws) -> None:
    assert len(read(new_budget(), max_pages=1)) == 100
    assert fake.calls.count("GetResources") == 1


def test_an_error_does_not_carry_the_response_of_aws(fake: FakeAws) -> None:
    fake.faults.add(Fault.QUOTED_REQUEST, operation="GetResources")

    failure = failure_of(new_budget())

    assert not isinstance(failure.__cause__, ClientError)
    assert not [secret for secret in fake.issued_secrets() if secret in str(failure)]
