"""A region is read to its last page, or its state says why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tag_compliance.aws.region_reader import RegionReader, RegionResources
from tag_compliance.domain.scan import RESOURCE_SCHEMA, Reason

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import READ_SECONDS, Clients
from tag_compliance.aws.retry import CallBudget, CallStats, RateLimiter
from tag_compliance.aws.roles import RoleStep
from tag_compliance.config import Account
from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.aws import Enter

ID, REGION = "100000000000", "us-east-1"


@pytest.fixture
def fake(enter: Enter) -> Iterator[FakeAws]:
    """A region of three pages."""
    with FakeAws(generate_organization(1, [REGION], 250)) as fake:
        enter(fake)
        yield fake


def read(seconds: float = 20, **settings: Any) -> RegionResources:
    def new_pace(tally: CallStats) -> CallBudget:
        return CallBudget(RateLimiter(0), seconds, tally, random=lambda: 0.0)

    clients = Clients(1, seconds)
    steps = (RoleStep(f"arn:aws:iam::{ID}:role/terraform", "tag-compliance", 3600),)
    session = AccountSession(clients, Account(account_id=ID), steps, new_pace)
    return RegionReader(clients, session, REGION, new_pace(CallStats()), **settings).read()


def test_every_page_is_read(fake: FakeAws) -> None:
    region = read()

    assert (region.state.reason, region.state.calls, region.state.resources) == (Reason.OK, 3, 250)
    assert region.state.last_success_at is not None
    assert len(region.table) == 250


@pytest.mark.parametrize("page", [0, 1, "last"])
def test_a_region_that_failed_half_way_has_no_rows(fake: FakeAws, page: Any) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="GetResources", page=page)
    region = read()

    assert region.state.reason is Reason.ACCESS_DENIED
    assert region.state.calls == (3 if page == "last" else page + 1)
    assert region.state.resources == 0
    assert region.state.last_success_at is None
    assert region.table == RESOURCE_SCHEMA.empty_table()


def test_a_region_that_is_started_over_counts_nothing_twice(fake: FakeAws) -> None:
    fake.faults.add(Fault.PAGINATION_TOKEN_EXPIRED, page="last", times=3)
    region = read()

    assert (region.state.reason, len(region.table)) == (Reason.OK, 250)
    assert region.state.calls == 4 * 3


def test_a_repeated_token_ends_the_region_at_once(fake: FakeAws) -> None:
    fake.faults.add(Fault.REPEAT_TOKEN, page=1)
    region = read()

    assert region.state.reason is Reason.MALFORMED_RESPONSE
    assert "has been used before" in region.state.message
    assert fake.calls.count("GetResources") == 2


def test_pages_without_end_end_by_the_deadline(fake: FakeAws) -> None:
    fake.faults.add(Fault.ENDLESS)
    region = read(seconds=3)

    assert region.state.reason is Reason.TIMEOUT
    assert region.state.calls > 3
    assert len(region.table) == 0


@pytest.mark.timeout(READ_SECONDS)
def test_a_call_without_a_response_ends_by_the_deadline(fake: FakeAws) -> None:
    fake.faults.add(Fault.HANG, operation="GetResources")
    region = read(seconds=1)

    assert region.state.reason is Reason.TIMEOUT


def test_whatever_goes_wrong_is_this_regions_alone_and_told_in_a_line(
    fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr("tag_compliance.aws.region_reader.ResourceColumns.add", broken)
    state = read().state

    assert state.reason is Reason.INTERNAL
    assert state.message == "GetResources: RuntimeError: first line second line"
