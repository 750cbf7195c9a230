"""The sources `iam` and `autoscaling` return every resource with its tags, or raise.

Both ways to read IAM and Auto Scaling are tested with the same faults.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from tag_compliance.aws.clients import READ_SECONDS, Clients
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.retry import CallBudget, CallStats
from tag_compliance.aws.sources.autoscaling import AutoScaling
from tag_compliance.aws.sources.base import ResourceSource
from tag_compliance.aws.sources.iam import Iam
from tag_compliance.config import IamTagsFrom
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.resources import RESOURCE_SCHEMA
from tag_compliance.simulator.organization import SimulatedResource
from tag_compliance_tests.aws.sessions import ID, ROLE, VIRGINIA, new_budget, session_of
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.support.aws import Start

_GROUPS, _ROLES, _USERS = 250, 450, 5

_DETAILS, _LIST = "GetAccountAuthorizationDetails", "ListRoles"
_DESCRIBE = "DescribeAutoScalingGroups"
_CREATE: dict[str, Callable[..., ResourceSource]] = {
    _DETAILS: lambda clients, *more: Iam(clients, IamTagsFrom.ACCOUNT_DETAILS, *more),
    _LIST: lambda clients, *more: Iam(clients, IamTagsFrom.LIST_TAGS, *more),
    _DESCRIBE: AutoScaling,
}
"""Each way to read, by the operation that it begins with."""

every_way = pytest.mark.parametrize("way", [*_CREATE])
in_pages = pytest.mark.parametrize("way", [_DETAILS, _DESCRIBE])
"""The ways in which the organization fills three pages."""


@pytest.fixture
def fake(start: Start) -> FakeAws:
    """An account with three pages of roles and users, and of groups, some without tags."""
    organization = Organization()
    account = organization.add_account(ID)
    for number in range(_ROLES):
        account.put_principal(f"role/team/r{number:03}", {"Owner": f"o{number}", "Größe": ""})
    for number in range(_USERS):
        account.put_principal(f"user/u{number}")
    for number in range(_GROUPS):
        account.put_auto_scaling_group(VIRGINIA, f"g{number:03}", {"Owner": "a"} if number else {})
    return start(organization)


def read(way: str, budget: CallBudget, max_pages: int | None = None) -> pa.Table:
    clients = Clients(1, budget.seconds)
    session = session_of(ROLE, clients=clients)
    return _CREATE[way](clients, max_pages).read(session, VIRGINIA, budget)


def failure_of(way: str, budget: CallBudget | None = None) -> AwsError:
    with pytest.raises(AwsError) as caught:
        read(way, budget or new_budget())
    return caught.value


def existing(fake: FakeAws, way: str) -> list[SimulatedResource]:
    account = fake.organization[ID]
    if way == _DESCRIBE:
        return account.auto_scaling_groups[VIRGINIA]
    return account.roles_and_users


@every_way
def test_every_resource_is_read_once_with_its_tags(fake: FakeAws, way: str) -> None:
    table = read(way, new_budget(seconds=60))

    assert table.schema == RESOURCE_SCHEMA
    found = {row["arn"]: dict(row["tags"]) for row in table.to_pylist()}
    assert found == {resource.arn: resource.tags for resource in existing(fake, way)}
    assert len(table) == len(found)


@every_way
def test_rows_have_the_type_of_their_arn_the_region_that_was_read_and_the_source(
    fake: FakeAws, way: str
) -> None:
    table = read(way, new_budget(seconds=60))

    types = set(table["resource_type"].to_pylist())
    groups = {"autoscaling:autoScalingGroup"}
    assert types == (groups if way == _DESCRIBE else {"iam:role", "iam:user"})
    assert set(table["region"].to_pylist()) == {VIRGINIA}
    assert set(table["source"].to_pylist()) == {"autoscaling" if way == _DESCRIBE else "iam"}


@in_pages
def test_pages_are_large(fake: FakeAws, way: str) -> None:
    budget = new_budget()
    read(way, budget)

    assert budget.stats == CallStats(calls=3)


def test_one_call_for_each_role_and_user_reads_tags_without_policies(fake: FakeAws) -> None:
    budget = new_budget(seconds=60)
    read(_LIST, budget)

    assert fake.calls.count("ListRoleTags") == _ROLES
    assert fake.calls.count("ListUserTags") == _USERS
    assert budget.stats.calls == _ROLES + _USERS + 2
    assert fake.calls.count(_DETAILS) == 0


def test_a_role_that_is_deleted_while_its_tags_are_read_is_left_out(fake: FakeAws) -> None:
    fake.faults.add(Fault.NO_SUCH_ENTITY, operation="ListRoleTags", times=1)

    found = read(_LIST, new_budget(seconds=60))["arn"].to_pylist()

    assert len(found) == _ROLES + _USERS - 1
    assert f"arn:aws:iam::{ID}:role/team/r000" not in found


@every_way
def test_a_resource_whose_arn_cannot_be_parsed_is_not_lost(fake: FakeAws, way: str) -> None:
    fake.faults.add(Fault.UNPARSABLE_ARN, operation=way, page="last")

    table = read(way, new_budget(seconds=60))

    assert len(table) == len(existing(fake, way))
    assert "unknown:unknown" in table["resource_type"].to_pylist()


@every_way
def test_an_account_without_resources_is_empty(start: Start, way: str) -> None:
    organization = Organization()
    organization.add_account(ID)
    start(organization)

    assert len(read(way, new_budget())) == 0


@in_pages
@pytest.mark.parametrize("page", [0, 1, "last"])
def test_an_empty_page_does_not_end_the_reading(fake: FakeAws, way: str, page: Any) -> None:
    fake.faults.add(Fault.EMPTY_PAGE, operation=way, page=page, times=3)

    assert len(read(way, new_budget())) == len(existing(fake, way))


@in_pages
@pytest.mark.parametrize("fault", [Fault.EXTRA_FIELDS, Fault.MISSING_TAGS])
def test_fields_that_aws_adds_or_leaves_out_are_no_failure(
    fake: FakeAws, way: str, fault: Fault
) -> None:
    fake.faults.add(fault, operation=way)

    assert len(read(way, new_budget())) == len(existing(fake, way))


@every_way
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.ACCESS_DENIED, Reason.ACCESS_DENIED),
        (Fault.SCP_DENIED, Reason.SCP_DENIED),
        (Fault.EXPIRED_TOKEN, Reason.EXPIRED_TOKEN),
        (Fault.QUOTED_REQUEST, Reason.NO_CREDENTIALS),
        (Fault.NOT_JSON, Reason.MALFORMED_RESPONSE),
        (Fault.TRUNCATED_BODY, Reason.MALFORMED_RESPONSE),
        (Fault.MISSING_LIST, Reason.MALFORMED_RESPONSE),
        (Fault.MISSING_ARN, Reason.MALFORMED_RESPONSE),
        (Fault.FOREIGN_ACCOUNT, Reason.MALFORMED_RESPONSE),
        (Fault.CUT_CONNECTION, Reason.UNREACHABLE),
    ],
)
def test_a_fault_that_lasts_is_an_error_with_its_reason_and_the_operation(
    fake: FakeAws, way: str, fault: Fault, reason: Reason
) -> None:
    fake.faults.add(fault, operation=way)

    failure = failure_of(way)

    assert failure.reason is reason
    assert failure.operation == way
    assert not [secret for secret in fake.issued_secrets() if secret in str(failure)]


@pytest.mark.parametrize(
    ("way", "operation"),
    [(_DETAILS, _DETAILS), (_LIST, _LIST), (_LIST, "ListRoleTags"), (_LIST, "ListUserTags")],
)
def test_a_page_that_is_truncated_but_has_no_marker_is_malformed(
    fake: FakeAws, way: str, operation: str
) -> None:
    fake.faults.add(Fault.TRUNCATED_WITHOUT_TOKEN, operation=operation)

    failure = failure_of(way)

    assert failure.reason is Reason.MALFORMED_RESPONSE
    assert "`Marker` is absent" in failure.cause


def test_a_response_of_another_account_names_its_arn(fake: FakeAws) -> None:
    fake.faults.add(Fault.FOREIGN_ACCOUNT, operation=_DETAILS, page="last")

    cause = failure_of(_DETAILS).cause

    assert "arn:aws:iam::210987654321:role/" in cause
    assert f"not of account {ID}" in cause


@every_way
@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.INTERNAL, Fault.HTTP_503])
def test_a_fault_that_passes_is_retried_and_counted(fake: FakeAws, way: str, fault: Fault) -> None:
    fake.faults.add(fault, operation=way, times=2)
    budget = new_budget(seconds=60)

    assert len(read(way, budget)) == len(existing(fake, way))
    assert budget.stats.retries == 2
    assert budget.stats.throttled_calls == (2 if fault is Fault.THROTTLED else 0)


@every_way
def test_throttling_that_lasts_ends_at_the_deadline(fake: FakeAws, way: str) -> None:
    fake.faults.add(Fault.THROTTLED, operation=way)

    assert failure_of(way, CallBudget(1)).reason is Reason.THROTTLED


@every_way
def test_a_session_that_aws_ends_early_is_renewed_and_reading_continues(
    fake: FakeAws, way: str
) -> None:
    fake.faults.add(Fault.EXPIRED_TOKEN, operation=way, times=1)

    assert len(read(way, new_budget(seconds=60))) == len(existing(fake, way))
    assert fake.calls.count("AssumeRole") == 2


@in_pages
def test_a_token_that_was_used_before_ends_the_reading_at_once(fake: FakeAws, way: str) -> None:
    fake.faults.add(Fault.REPEAT_TOKEN, operation=way, page=1)

    failure = failure_of(way)

    assert failure.reason is Reason.MALFORMED_RESPONSE
    assert "has been used before" in failure.cause
    assert fake.calls.count(way) == 2


@in_pages
def test_endless_pages_end_at_the_deadline(fake: FakeAws, way: str) -> None:
    fake.faults.add(Fault.ENDLESS, operation=way)

    assert failure_of(way, new_budget(seconds=2)).reason is Reason.TIMEOUT


@pytest.mark.timeout(READ_SECONDS)
@every_way
def test_a_call_without_a_response_ends_at_the_deadline(fake: FakeAws, way: str) -> None:
    fake.faults.add(Fault.HANG, operation=way)

    assert failure_of(way, new_budget(seconds=1)).reason is Reason.TIMEOUT


def test_a_region_that_is_not_enabled_is_reported_as_such(fake: FakeAws) -> None:
    fake.organization[ID].disable_region(VIRGINIA)

    assert failure_of(_DESCRIBE).reason is Reason.REGION_DISABLED


def test_a_test_of_the_permissions_makes_one_call_of_each_kind(fake: FakeAws) -> None:
    for way in _CREATE:
        read(way, new_budget(), max_pages=1)

    operations = [call.operation for call in fake.calls if call.operation != "AssumeRole"]
    assert sorted(operations) == sorted(
        [_DETAILS, _LIST, "ListRoleTags", "ListUsers", "ListUserTags", _DESCRIBE]
    )


def test_the_policies_of_a_role_are_not_kept(fake: FakeAws) -> None:
    clients = Clients(1)
    source = Iam(clients, IamTagsFrom.ACCOUNT_DETAILS)
    seen: list[dict[str, Any]] = []
    session, budget = session_of(ROLE, clients=clients), new_budget()
    source.read(session, VIRGINIA, budget)
    client = clients.get("iam", VIRGINIA)
    client.meta.events.register("after-call", lambda parsed, **_: seen.append(parsed))

    source.read(session, VIRGINIA, budget)

    assert seen
    assert "sts:AssumeRole" not in str(seen)
