"""Resource Explorer is searched only through an index and a view that return everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.sources.resource_explorer import ResourceExplorer
from tag_compliance.domain.account import AccountName, RegionName, Target
from tag_compliance.domain.read_status import Reason
from tag_compliance.simulator.explorer_index import DEFAULT_VIEW, SimulatedIndex, SimulatedView
from tag_compliance.simulator.organization import Account
from tag_compliance_tests.aws.sessions import ID, IRELAND, ROLE, VIRGINIA, new_budget, session_of
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.support.aws import Start

TAGLESS = SimulatedView("tagless", includes_tags=False)
FILTERED = SimulatedView("filtered", filter_string="service:sqs")
OF_ORGANIZATION = SimulatedView(
    "company", scope="arn:aws:organizations::999999999999:organization/o-ab12"
)
OTHER = SimulatedView("other")


def queue(number: int, region: str = IRELAND) -> str:
    return f"arn:aws:sqs:{region}:{ID}:never-tagged-{number}"


def account_of(index: SimulatedIndex | None, queues: int = 2, region: str = IRELAND) -> Account:
    """An account with never-tagged queues, and a tagged one that Resource Explorer never finds."""
    account = Account(ID)
    account.put(region, queue(0, region).replace("never-", ""), {"Owner": "a"})
    for number in range(queues):
        account.put_never_tagged(region, queue(number, region))
    if index is not None:
        account.explorer[region] = index
    return account


@pytest.fixture
def serve(start: Start) -> Callable[[Account], FakeAws]:
    def started(account: Account) -> FakeAws:
        organization = Organization()
        organization._accounts[account.account_id] = account
        return start(organization)

    return started


Serve = Callable[[Account], FakeAws]


def read(region: RegionName = IRELAND, view: str | None = None, **settings: Any) -> list[str]:
    """The ARNs of a region."""
    clients = Clients(4)
    session: AccountSession = session_of(
        ROLE, clients=clients, target=Target(ID, AccountName("payments"), (region,))
    )
    source = ResourceExplorer(clients, view, **settings)
    table = source.read(session, region, new_budget())
    assert set(table["source"].to_pylist()) <= {"resource_explorer"}
    assert set(table["region"].to_pylist()) <= {region}
    assert not any(table["tags"].to_pylist())
    arns: list[str] = table["arn"].to_pylist()
    return arns


def failure(region: RegionName = IRELAND, view: str | None = None) -> AwsError:
    with pytest.raises(AwsError) as caught:
        read(region, view)
    return caught.value


def test_every_page_is_read_and_the_query_is_that_of_the_specification(serve: Serve) -> None:
    fake = serve(account_of(SimulatedIndex(), queues=1_001))
    assert read() == [queue(number) for number in range(1_001)]
    calls = fake.calls.matching("ListResources")
    assert len(calls) == 3
    assert {call.parameters["MaxResults"] for call in calls} == {500}
    assert {call.parameters["Filters"]["FilterString"] for call in calls} == {  # type: ignore[index]
        f"resourcetype.supports:tags tag:none -service:iam region:{IRELAND}"
    }


def test_global_resources_are_asked_for_in_the_global_region(serve: Serve) -> None:
    account = account_of(SimulatedIndex(), region=VIRGINIA)
    distribution = f"arn:aws:cloudfront::{ID}:distribution/E1"
    account.put_never_tagged(VIRGINIA, distribution)
    fake = serve(account)
    assert read(VIRGINIA) == [queue(0, VIRGINIA), queue(1, VIRGINIA), distribution]
    [call] = fake.calls.matching("ListResources")
    filter_string = str(call.parameters["Filters"])
    assert f"region:{VIRGINIA},global" in filter_string


def test_roles_and_types_whose_tags_are_not_indexed_are_not_used(serve: Serve) -> None:
    account = account_of(SimulatedIndex(), queues=1, region=VIRGINIA)
    account.put_principal("role/never-tagged")
    for unknown in ("lambda:us-east-1:1:code-signing-config:csc-1", "rds::1:global-cluster:x"):
        account.put_never_tagged(VIRGINIA, f"arn:aws:{unknown}")
    serve(account)
    assert read(VIRGINIA) == [queue(0, VIRGINIA)]


def test_types_whose_tags_are_not_read_are_left_out(serve: Serve) -> None:
    account = account_of(SimulatedIndex(), queues=1)
    group = account.put_auto_scaling_group(IRELAND, "workers")
    serve(account)
    assert read() == [queue(0), group]
    assert read(unused_types=frozenset({"autoscaling:autoScalingGroup"})) == [queue(0)]


def test_a_log_group_has_the_arn_of_the_tagging_api(serve: Serve) -> None:
    account = account_of(SimulatedIndex(), queues=0)
    log_group = f"arn:aws:logs:{IRELAND}:{ID}:log-group:/app"
    account.put_never_tagged(IRELAND, f"{log_group}:*")
    serve(account)
    assert read() == [log_group]


INDEXES = [
    (None, Reason.NO_INDEX),
    (SimulatedIndex("CREATING"), Reason.INDEX_BUILDING),
    (SimulatedIndex("DELETING"), Reason.NO_INDEX),
    (SimulatedIndex("DELETED"), Reason.NO_INDEX),
    (SimulatedIndex(recorded_region="us-west-2"), Reason.NO_INDEX),
]


@pytest.mark.parametrize(("index", "reason"), INDEXES)
def test_a_region_without_a_searchable_index_is_never_searched(
    serve: Serve, index: SimulatedIndex | None, reason: Reason
) -> None:
    fake = serve(account_of(index))
    assert failure().reason is reason
    assert {call.operation for call in fake.calls} == {"AssumeRole", "GetIndex"}


def test_an_index_that_is_updated_is_searched(serve: Serve) -> None:
    serve(account_of(SimulatedIndex("UPDATING")))
    assert len(read()) == 2


USABLE = [
    ((DEFAULT_VIEW,), DEFAULT_VIEW.name, None, DEFAULT_VIEW),
    ((TAGLESS, OTHER), TAGLESS.name, None, OTHER),
    ((TAGLESS, FILTERED, OF_ORGANIZATION, OTHER), None, None, OTHER),
    ((DEFAULT_VIEW, OTHER), DEFAULT_VIEW.name, "other", OTHER),
]


@pytest.mark.parametrize(("views", "default", "name", "expected"), USABLE)
def test_the_named_the_default_or_the_first_usable_view_is_used(
    serve: Serve,
    views: tuple[SimulatedView, ...],
    default: str | None,
    name: str | None,
    expected: SimulatedView,
) -> None:
    fake = serve(account_of(SimulatedIndex(views=views, default=default)))
    assert len(read(view=name)) == 2
    [call] = fake.calls.matching("ListResources")
    assert call.parameters["ViewArn"] == expected.arn("aws", ID, IRELAND)


UNUSABLE = [
    ((), None, None, Reason.NO_VIEW),
    ((OTHER,), None, "missing", Reason.NO_VIEW),
    ((TAGLESS,), TAGLESS.name, None, Reason.VIEW_WITHOUT_TAGS),
    ((TAGLESS, OTHER), None, "tagless", Reason.VIEW_WITHOUT_TAGS),
    ((FILTERED,), FILTERED.name, None, Reason.VIEW_FILTERED),
    ((OF_ORGANIZATION,), None, None, Reason.VIEW_FILTERED),
    ((FILTERED, TAGLESS), None, None, Reason.VIEW_FILTERED),
]


@pytest.mark.parametrize(("views", "default", "name", "reason"), UNUSABLE)
def test_a_view_that_hides_resources_is_never_used(
    serve: Serve,
    views: tuple[SimulatedView, ...],
    default: str | None,
    name: str | None,
    reason: Reason,
) -> None:
    fake = serve(account_of(SimulatedIndex(views=views, default=default)))
    assert failure(view=name).reason is reason
    assert not fake.calls.matching("ListResources")


def test_a_region_without_resource_explorer_is_not_called(serve: Serve) -> None:
    fake = serve(account_of(SimulatedIndex()))
    error = failure(RegionName("eusc-de-east-1"))
    assert (error.reason, str(error)) == (
        Reason.UNSUPPORTED_REGION,
        "GetIndex: Resource Explorer does not exist in eusc-de-east-1",
    )
    assert not fake.calls.matching("GetIndex")


def test_an_index_that_disappears_between_two_pages_is_a_failure(serve: Serve) -> None:
    account = account_of(SimulatedIndex(), queues=1_200)
    fake = serve(account)
    assert failure_after(account.explorer.clear).reason is Reason.NO_INDEX
    assert fake.calls.count("ListResources") == 2


def failure_after(change: Callable[[], object]) -> AwsError:
    """The failure of a reading during which something changes after the first page."""
    with pytest.raises(AwsError) as caught:
        read(page_read=change)
    return caught.value


FAULTS = [
    (Fault.ACCESS_DENIED, "GetIndex", Reason.ACCESS_DENIED),
    (Fault.ACCESS_DENIED, "GetView", Reason.ACCESS_DENIED),
    (Fault.ACCESS_DENIED, "ListResources", Reason.ACCESS_DENIED),
    (Fault.SCP_DENIED, "GetIndex", Reason.SCP_DENIED),
    (Fault.REGION_DISABLED, "GetIndex", Reason.REGION_DISABLED),
    (Fault.REPEAT_TOKEN, "ListResources", Reason.MALFORMED_RESPONSE),
    (Fault.MISSING_LIST, "ListResources", Reason.MALFORMED_RESPONSE),
    (Fault.WRONG_LIST_TYPE, "ListResources", Reason.MALFORMED_RESPONSE),
    (Fault.MISSING_ARN, "ListResources", Reason.MALFORMED_RESPONSE),
    (Fault.FOREIGN_ACCOUNT, "ListResources", Reason.MALFORMED_RESPONSE),
    (Fault.FOREIGN_REGION, "ListResources", Reason.MALFORMED_RESPONSE),
    (Fault.NOT_JSON, "GetIndex", Reason.MALFORMED_RESPONSE),
]


@pytest.mark.parametrize(("fault", "operation", "reason"), FAULTS)
def test_each_fault_has_its_reason_and_no_partial_result(
    serve: Serve, fault: Fault, operation: str, reason: Reason
) -> None:
    serve(account_of(SimulatedIndex())).faults.add(fault, operation=operation)
    assert failure().reason is reason


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.INTERNAL, Fault.EXPIRED_TOKEN])
@pytest.mark.parametrize("operation", ["GetIndex", "GetView", "ListResources"])
def test_a_temporary_fault_is_overcome(serve: Serve, fault: Fault, operation: str) -> None:
    fake = serve(account_of(SimulatedIndex()))
    rule = fake.faults.add(fault, operation=operation, times=2)
    assert len(read()) == 2
    assert fake.faults.injections(rule) == 2


def test_an_arn_that_cannot_be_parsed_is_a_resource_of_unknown_type(serve: Serve) -> None:
    serve(account_of(SimulatedIndex(), queues=1)).faults.add(Fault.UNPARSABLE_ARN)
    assert read() == ["not an ARN"]


def test_a_deleted_resource_may_still_be_returned(serve: Serve) -> None:
    serve(account_of(SimulatedIndex(deleted=[queue(99)]), queues=0))
    assert read() == [queue(99)]
