"""Many accounts are read concurrently, and each is available as soon as it is complete."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tag_compliance.aws.scanner import scan_accounts
from tag_compliance.aws.targets import targets_of
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import Reason, RegionReadStatus
from tag_compliance.domain.resources import AccountInventory
from tag_compliance_tests.fake_aws import (
    BASE_ACCOUNT_ID,
    FakeAws,
    Fault,
    Organization,
    generate_organization,
)
from tag_compliance_tests.support.aws import (
    REGIONS,
    Enter,
    config_of,
    rows_in,
    rows_of,
    scan,
)
from tag_compliance_tests.support.waiting import eventually


def results(scanned: list[AccountInventory]) -> set[tuple[Reason, str]]:
    return {(r.reason, r.message) for account in scanned for r in account.status.regions}


def scan_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("scan-")}


def queue(number: int, region: str = "us-east-1") -> str:
    return f"arn:aws:sqs:{region}:111111111111:queue-{number}"


@pytest.fixture
def organization() -> Organization:
    """One account of 250 queues in one region: three pages."""
    created = Organization()
    account = created.add_account("111111111111")
    for number in range(250):
        account.put("us-east-1", queue(number), {"Owner": "a"} if number % 3 else {})
    return created


# Each example creates its organization; `enter` only sets the environment again.
@settings(
    max_examples=12,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    accounts=st.integers(1, 4),
    regions=st.lists(
        st.sampled_from(["us-east-1", "eu-west-1", "ap-east-1"]), min_size=1, unique=True
    ),
    resources=st.sampled_from([0, 1, 99, 100, 101, 300, 5_101]),
    tags=st.integers(0, 12),
    seed=st.integers(0, 1_000),
)
def test_every_resource_of_every_account_is_read(
    enter: Enter, accounts: int, regions: list[str], resources: int, tags: int, seed: int
) -> None:
    organization = generate_organization(accounts, regions, resources, seed, tags)
    with FakeAws(organization) as fake:
        enter(fake)
        scanned = scan(organization, regions)

    for account in scanned:
        assert rows_of(account) == rows_in(organization, account.status.account_id, regions)
        for region in account.status.regions:
            pages = max(1, -(-resources // 100))
            assert (region.sources[0].calls, region.returned) == (pages, resources)


def test_untagged_and_repeated_resources_are_kept(enter: Enter) -> None:
    organization = Organization()
    account = organization.add_account("111111111111")
    for _ in range(2):
        account.put("us-east-1", "arn:aws:s3:::bucket")
    with FakeAws(organization) as fake:
        enter(fake)
        (scanned,) = scan(organization, ["us-east-1"])

    assert rows_of(scanned) == [("us-east-1", "arn:aws:s3:::bucket", "s3:bucket", ())] * 2


@pytest.mark.parametrize("page", [0, 1, "last"])
def test_an_empty_page_does_not_end_a_region(
    organization: Organization, enter: Enter, page: Any
) -> None:
    with FakeAws(organization) as fake:
        enter(fake)
        fake.faults.add(Fault.EMPTY_PAGE, page=page, times=3)
        (scanned,) = scan(organization, ["us-east-1"])

    assert rows_of(scanned) == rows_in(organization, "111111111111", ["us-east-1"])


def test_only_the_targets_are_read(enter: Enter) -> None:
    organization = generate_organization(5, ["us-east-1"], 1)
    config = config_of(organization)
    targets = targets_of(config)[1:3]
    with FakeAws(organization) as fake:
        enter(fake)
        scanned = list(scan_accounts(config, targets))
        called = {call.account_id for call in fake.calls.matching("GetResources")}

    assert {i.status.account_id for i in scanned} == called == {t.account_id for t in targets}


def test_no_targets_need_no_calls(enter: Enter) -> None:
    organization = generate_organization(1, ["us-east-1"], 1)
    with FakeAws(organization) as fake:
        enter(fake)

        assert list(scan_accounts(config_of(organization), [])) == []
        assert len(fake.calls) == 0


def test_accounts_are_available_while_others_are_still_being_read(enter: Enter) -> None:
    organization = generate_organization(12, REGIONS, 150)
    config = config_of(organization, max_concurrency=2, region_deadline=600)
    targets = targets_of(config)
    with FakeAws(organization) as fake:
        enter(fake)
        for target in targets[3:]:
            fake.faults.add(Fault.HANG, operation="GetResources", account_id=target.account_id)
        with contextlib.closing(scan_accounts(config, targets)) as scanned:
            complete = {next(scanned).status.account_id for _ in range(3)}

        assert complete == {target.account_id for target in targets[:3]}
        assert fake.calls.count("GetResources", targets[-1].account_id) == 0


def test_the_roles_of_the_next_accounts_are_assumed_while_an_account_is_read(enter: Enter) -> None:
    organization = generate_organization(12, REGIONS, 150)
    config = config_of(organization, max_concurrency=1)
    targets = targets_of(config)
    with FakeAws(organization) as fake:
        enter(fake)
        list(scan_accounts(config, targets))
        order = [(call.operation, call.account_id) for call in fake.calls]

    for account, following in pairwise(target.account_id for target in targets):
        assert order.index(("AssumeRole", following)) < order.index(("GetResources", account))


def test_a_scan_that_is_closed_makes_no_more_calls(enter: Enter) -> None:
    organization = generate_organization(40, REGIONS, 150)
    config = config_of(organization, max_concurrency=4)
    before = set(threading.enumerate())
    with FakeAws(organization, latency=0.02) as fake:
        enter(fake)
        scanned = scan_accounts(config, targets_of(config))
        next(scanned)
        scanned.close()
        eventually(lambda: not scan_threads() - before)

        assert fake.calls.count("GetResources") < 40 * 2 * 2


def test_a_consumer_that_fails_stops_the_scan(enter: Enter) -> None:
    organization = generate_organization(40, REGIONS, 150)
    config = config_of(organization, max_concurrency=4)
    before = set(threading.enumerate())

    def consume() -> None:
        with contextlib.closing(scan_accounts(config, targets_of(config))) as scanned:
            for _ in scanned:
                raise RuntimeError("the storage is full")

    with FakeAws(organization, latency=0.02) as fake:
        enter(fake)
        with pytest.raises(RuntimeError):
            consume()
        eventually(lambda: not scan_threads() - before)

        assert fake.calls.count("GetResources") < 40 * 2 * 2


def test_a_slow_consumer_limits_how_many_accounts_are_read_ahead(enter: Enter) -> None:
    organization = generate_organization(60, ["us-east-1"], 10)
    config = config_of(organization, ["us-east-1"], max_concurrency=2)
    with FakeAws(organization) as fake:
        enter(fake)
        with contextlib.closing(scan_accounts(config, targets_of(config))) as scanned:
            next(scanned)
            # One account is with the consumer, 8 wait, and each thread has read one more.
            assert fake.calls.wait_for("GetResources", 1 + 8 + 2)
            list(itertools.islice(scanned, 5))
            assert fake.calls.wait_for("GetResources", 6 + 8 + 2)

            assert fake.calls.count("GetResources") == 6 + 8 + 2


def test_memory_does_not_depend_on_the_number_of_accounts(enter: Enter) -> None:
    organization = generate_organization(60, ["us-east-1"], 300)
    config = config_of(organization, ["us-east-1"], max_concurrency=1)
    before, allocated, bytes_per_account = pa.total_allocated_bytes(), 0, 0
    with FakeAws(organization, record_calls=False) as fake:
        enter(fake)
        for inventory in scan_accounts(config, targets_of(config)):
            bytes_per_account = max(bytes_per_account, inventory.resources.nbytes)
            del inventory
            allocated = max(allocated, pa.total_allocated_bytes() - before)

    assert allocated < 30 * bytes_per_account


def test_an_accounts_time_does_not_include_the_time_of_other_accounts(enter: Enter) -> None:
    organization = generate_organization(9, ["us-east-1"], 10)
    config = config_of(organization, ["us-east-1"], max_concurrency=1)
    with FakeAws(organization, latency=0.02) as fake:
        enter(fake)
        started = time.monotonic()
        scanned = list(scan_accounts(config, targets_of(config)))
        seconds = time.monotonic() - started

    # There is one thread, so no second of the scan belongs to two accounts.
    assert sum(inventory.status.seconds for inventory in scanned) <= seconds


@pytest.mark.parametrize(("limit", "latency"), [(1, 0.02), (5, 0.1), (64, 0.1)])
def test_as_many_calls_run_concurrently_as_are_allowed(
    enter: Enter, limit: int, latency: float
) -> None:
    organization = generate_organization(6, REGIONS, 150)
    with FakeAws(organization, latency=latency) as fake:
        enter(fake)
        scan(organization, max_concurrency=limit)
        moments = sorted(call.at for call in fake.calls.matching("GetResources"))

    together = max(sum(0 <= at - moment < latency for at in moments) for moment in moments)
    assert together <= limit
    assert together >= min(limit, 8)


def test_connections_are_few_and_reused(enter: Enter) -> None:
    organization = generate_organization(10, REGIONS, 500)
    with FakeAws(organization) as fake:
        enter(fake)
        scan(organization, max_concurrency=4)

        assert len(fake.calls) == 10 + 10 * 2 * 5
        # STS and each region have a pool, which never holds more than there are threads.
        assert fake.connections <= 4 * 3


def test_no_account_is_ever_read_with_the_credentials_of_another(enter: Enter) -> None:
    organization = generate_organization(40, REGIONS, 120)
    with FakeAws(organization, latency=0.005) as fake:
        enter(fake)
        scanned = scan(organization, max_concurrency=32)
        reads = Counter(call.caller.arn for call in fake.calls.matching("GetResources"))

    assert results(scanned) == {(Reason.OK, "")}
    for account in scanned:
        own = account.status.account_id
        assert rows_of(account) == rows_in(organization, own, REGIONS)
        arn = f"arn:aws:sts::{own}:assumed-role/terraform/tag-compliance"
        assert reads[arn] == 4


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_other_partitions_are_read_in_the_same_way(
    enter: Enter, region: str, partition: str
) -> None:
    organization = generate_organization(1, [region], 120)
    with FakeAws(organization) as fake:
        enter(fake)
        (scanned,) = scan(organization, [region])

    assert rows_of(scanned) == rows_in(organization, scanned.status.account_id, [region])
    assert rows_of(scanned)[0][1].startswith(f"arn:{partition}:")


def test_base_credentials_read_their_own_account_and_no_other(enter: Enter) -> None:
    organization = generate_organization(2, ["us-east-1"], 3)
    own = organization.add_account(BASE_ACCOUNT_ID)
    own.put("us-east-1", f"arn:aws:sqs:us-east-1:{BASE_ACCOUNT_ID}:q")
    with FakeAws(organization) as fake:
        enter(fake)
        scanned = scan(organization, ["us-east-1"], assume_role_name_template=None)

        assert fake.calls.count("GetResources") == 1
    assert [account.status.reason for account in scanned] == [
        Reason.ACCESS_DENIED,
        Reason.ACCESS_DENIED,
        Reason.OK,
    ]


def test_a_denied_role_is_never_replaced_by_other_credentials(enter: Enter) -> None:
    organization = generate_organization(3, REGIONS, 5)
    denied = next(iter(organization)).account_id
    with FakeAws(organization) as fake:
        enter(fake)
        fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=denied)
        scanned = scan(organization)

        callers = {call.caller.account_id for call in fake.calls.matching("GetResources")}
        assert denied not in callers
        assert BASE_ACCOUNT_ID not in callers
        assert fake.calls.count("AssumeRole", denied) == 1
    assert scanned[0].status.reason is Reason.ASSUME_ROLE_DENIED
    assert len(scanned[0].resources) == 0
    assert scanned[0].status.last_success_at is None


def test_a_role_that_requires_an_external_id_is_assumed_with_it(enter: Enter) -> None:
    organization = Organization()
    organization.add_account("111111111111", external_id="blue", roles={"terraform"})
    with FakeAws(organization) as fake:
        enter(fake)
        without = scan(organization)
        own = {"111111111111": {"external_id": "blue", "session_duration": 900}}
        with_it = scan(organization, aws_account_overrides=own)

    assert without[0].status.reason is Reason.ASSUME_ROLE_DENIED
    assert with_it[0].status.reason is Reason.OK


def test_sessions_that_end_during_a_scan_are_renewed_before_they_end(enter: Enter) -> None:
    organization = generate_organization(1, ["us-east-1"], 2_200)
    hub = {"via_role_arn": "arn:aws:iam::222222222222:role/hub"}
    organization.add_account("222222222222")
    with FakeAws(organization, session_seconds=4, latency=0.2) as fake:
        enter(fake)
        config = config_of(organization, ["us-east-1"], **hub)
        (scanned,) = scan_accounts(config, targets_of(config)[:1])

        assert fake.calls.count("AssumeRole") >= 4
    assert scanned.status.reason is Reason.OK
    assert scanned.status.regions[0].sources[0].retries == 0
    assert scanned.status.returned == 2_200


def test_calls_at_the_rate_that_aws_allows_are_never_throttled(enter: Enter) -> None:
    organization = generate_organization(1, ["us-east-1"], 3_500)
    with FakeAws(organization, calls_per_second=15) as fake:
        enter(fake)
        (scanned,) = scan(organization, ["us-east-1"], calls_per_second=15.0)

    (source,) = scanned.status.regions[0].sources
    assert (source.reason, source.calls, source.throttled_calls) == (Reason.OK, 35, 0)
    assert source.seconds > 34 / 15


def test_progress_is_reported_once_for_each_region(enter: Enter) -> None:
    organization = generate_organization(4, REGIONS, 10)
    reported: list[tuple[str, str]] = []
    lock = threading.Lock()

    def progress(account_id: AccountId, region: RegionReadStatus) -> None:
        with lock:
            reported.append((account_id, region.region))

    with FakeAws(organization) as fake:
        enter(fake)
        config = config_of(organization)
        list(scan_accounts(config, targets_of(config), progress))

    assert sorted(reported) == sorted((a.account_id, r) for a in organization for r in REGIONS)


def test_an_accounts_calls_are_those_of_its_regions_and_its_role(enter: Enter) -> None:
    organization = generate_organization(1, REGIONS, 250)
    with FakeAws(organization) as fake:
        enter(fake)
        fake.faults.add(Fault.THROTTLED, operation="AssumeRole", times=1)
        fake.faults.add(Fault.THROTTLED, region="eu-west-1", page=1, times=2)
        fake.faults.add(Fault.HTTP_503, region="us-east-1", page="last", times=1)
        (scanned,) = scan(organization)

    account = scanned.status
    assert (account.calls, account.retries, account.throttled_calls) == (2 + 6 + 3, 4, 3)
    assert [
        (s.calls, s.retries, s.throttled_calls) for r in account.regions for s in r.sources
    ] == [
        (4, 1, 0),
        (5, 2, 2),
    ]
