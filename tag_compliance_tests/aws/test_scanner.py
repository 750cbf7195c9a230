"""Many accounts and regions are read in parallel, each completely or not at all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tag_compliance.domain.scan import Reason, RegionScan, ScannedAccount

from tag_compliance.aws.scanner import scan_accounts
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
    account_ids,
    config_of,
    rows_in,
    rows_of,
)


def scan(
    organization: Organization, regions: Sequence[str] = REGIONS, **settings: Any
) -> list[ScannedAccount]:
    config = config_of(organization, regions, **settings)
    return scan_accounts(config, account_ids(config))


def states(scanned: list[ScannedAccount]) -> set[tuple[Reason, str]]:
    return {(r.reason, r.message) for account in scanned for r in account.scan.regions}


def queue(number: int, region: str = "us-east-1") -> str:
    return f"arn:aws:sqs:{region}:111111111111:queue-{number}"


@pytest.fixture
def organization() -> Organization:
    """One account of 250 queues in one region: three pages."""
    made = Organization()
    account = made.add_account("111111111111")
    for number in range(250):
        account.put("us-east-1", queue(number), {"Owner": "a"} if number % 3 else {})
    return made


# The organization is drawn; `enter` only sets the environment again.
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
def test_what_is_read_is_what_there_is(
    enter: Enter, accounts: int, regions: list[str], resources: int, tags: int, seed: int
) -> None:
    organization = generate_organization(accounts, regions, resources, seed, tags)
    with FakeAws(organization) as fake:
        enter(fake)
        scanned = scan(organization, regions)

    for account in scanned:
        assert rows_of(account) == rows_in(organization, account.scan.account_id, regions)
        for region in account.scan.regions:
            pages = max(1, -(-resources // 100))
            assert (region.calls, region.resources) == (pages, resources)


def test_once_tagged_and_repeated_resources_come_through(enter: Enter) -> None:
    organization = Organization()
    account = organization.add_account("111111111111")
    for _ in range(2):
        account.put("us-east-1", "arn:aws:s3:::bucket")
    with FakeAws(organization) as fake:
        enter(fake)
        (scanned,) = scan(organization, ["us-east-1"])

    assert rows_of(scanned) == [("us-east-1", "arn:aws:s3:::bucket", "s3:bucket", ())] * 2


@pytest.mark.parametrize("page", [0, 1, "last"])
def test_an_empty_page_ends_nothing(organization: Organization, enter: Enter, page: Any) -> None:
    with FakeAws(organization) as fake:
        enter(fake)
        fake.faults.add(Fault.EMPTY_PAGE, page=page, times=3)
        (scanned,) = scan(organization, ["us-east-1"])

    assert rows_of(scanned) == rows_in(organization, "111111111111", ["us-east-1"])


def test_accounts_come_in_the_order_of_the_configuration_and_only_the_wanted(enter: Enter) -> None:
    organization = generate_organization(5, ["us-east-1"], 1)
    ids = [account.account_id for account in organization]
    with FakeAws(organization) as fake:
        enter(fake)
        scanned = scan_accounts(config_of(organization), [ids[3], ids[0]])

    assert [account.scan.account_id for account in scanned] == [ids[0], ids[3]]


@pytest.mark.parametrize(("most", "latency"), [(1, 0.02), (5, 0.1), (64, 0.1)])
def test_as_many_calls_are_under_way_as_are_allowed(
    enter: Enter, most: int, latency: float
) -> None:
    organization = generate_organization(6, REGIONS, 150)
    with FakeAws(organization, latency=latency) as fake:
        enter(fake)
        scan(organization, max_concurrency=most)
        moments = sorted(call.at for call in fake.calls.matching("GetResources"))

    together = max(sum(0 <= at - moment < latency for at in moments) for moment in moments)
    assert together <= most
    assert together >= min(most, 8)


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

    assert states(scanned) == {(Reason.OK, "")}
    for account in scanned:
        own = account.scan.account_id
        assert rows_of(account) == rows_in(organization, own, REGIONS)
        arn = f"arn:aws:sts::{own}:assumed-role/terraform/tag-compliance"
        assert reads[arn] == 4


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_other_partitions_are_read_alike(enter: Enter, region: str, partition: str) -> None:
    organization = generate_organization(1, [region], 120)
    with FakeAws(organization) as fake:
        enter(fake)
        (scanned,) = scan(organization, [region])

    assert rows_of(scanned) == rows_in(organization, scanned.scan.account_id, [region])
    assert rows_of(scanned)[0][1].startswith(f"arn:{partition}:")


def test_base_credentials_read_their_own_account_and_no_other(enter: Enter) -> None:
    organization = generate_organization(2, ["us-east-1"], 3)
    own = organization.add_account(BASE_ACCOUNT_ID)
    own.put("us-east-1", f"arn:aws:sqs:us-east-1:{BASE_ACCOUNT_ID}:q")
    with FakeAws(organization) as fake:
        enter(fake)
        scanned = scan(organization, ["us-east-1"], assume_role_name_template=None)

        assert fake.calls.count("GetResources") == 1
    assert [account.scan.reason for account in scanned] == [
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
    assert scanned[0].scan.reason is Reason.ASSUME_ROLE_DENIED
    assert len(scanned[0].table) == 0
    assert scanned[0].scan.last_success_at is None


def test_the_external_id_opens_a_role_that_asks_for_it(enter: Enter) -> None:
    organization = Organization()
    organization.add_account("111111111111", external_id="blue", roles={"terraform"})
    with FakeAws(organization) as fake:
        enter(fake)
        without = scan(organization)
        own = {"111111111111": {"external_id": "blue", "session_duration": 900}}
        with_it = scan(organization, aws_account_overrides=own)

    assert without[0].scan.reason is Reason.ASSUME_ROLE_DENIED
    assert with_it[0].scan.reason is Reason.OK


def test_sessions_that_end_during_a_scan_are_renewed_before_they_do(enter: Enter) -> None:
    organization = generate_organization(1, ["us-east-1"], 2_200)
    hub = {"via_role_arn": "arn:aws:iam::222222222222:role/hub"}
    organization.add_account("222222222222")
    with FakeAws(organization, session_seconds=4, latency=0.2) as fake:
        enter(fake)
        config = config_of(organization, ["us-east-1"], **hub)
        (scanned,) = scan_accounts(config, [config.aws_account_matrix[0].account_id])

        assert fake.calls.count("AssumeRole") >= 4
    assert scanned.scan.reason is Reason.OK
    assert scanned.scan.regions[0].retries == 0
    assert scanned.scan.regions[0].resources == 2_200


def test_a_session_that_aws_ends_early_is_renewed_and_the_scan_goes_on(
    organization: Organization, enter: Enter
) -> None:
    with FakeAws(organization) as fake:
        enter(fake)
        fake.faults.add(Fault.EXPIRED_TOKEN, operation="GetResources", page=1, times=1)
        (scanned,) = scan(organization, ["us-east-1"])

        assert fake.calls.count("AssumeRole") == 2
    assert rows_of(scanned) == rows_in(organization, "111111111111", ["us-east-1"])
    assert scanned.scan.regions[0].retries == 1


def test_the_rate_that_aws_allows_is_kept_without_one_throttled_call(enter: Enter) -> None:
    organization = generate_organization(1, ["us-east-1"], 3_500)
    with FakeAws(organization, calls_per_second=15) as fake:
        enter(fake)
        (scanned,) = scan(organization, ["us-east-1"], calls_per_second=15.0)

    (region,) = scanned.scan.regions
    assert (region.reason, region.calls, region.throttled_calls) == (Reason.OK, 35, 0)
    assert region.seconds > 34 / 15


def test_progress_hears_of_each_region_once(enter: Enter) -> None:
    organization = generate_organization(4, REGIONS, 10)
    heard: list[tuple[str, str]] = []
    lock = threading.Lock()

    def progress(account_id: str, region: RegionScan) -> None:
        with lock:
            heard.append((account_id, region.region))

    with FakeAws(organization) as fake:
        enter(fake)
        config = config_of(organization)
        scan_accounts(config, account_ids(config), progress)

    assert sorted(heard) == sorted((a.account_id, r) for a in organization for r in REGIONS)


def test_an_accounts_numbers_are_the_sum_of_its_calls(enter: Enter) -> None:
    organization = generate_organization(1, REGIONS, 250)
    with FakeAws(organization) as fake:
        enter(fake)
        fake.faults.add(Fault.THROTTLED, operation="AssumeRole", times=1)
        fake.faults.add(Fault.THROTTLED, region="eu-west-1", page=1, times=2)
        fake.faults.add(Fault.HTTP_503, region="us-east-1", page="last", times=1)
        (scanned,) = scan(organization)

    account = scanned.scan
    assert (account.calls, account.retries, account.throttled_calls) == (2 + 6 + 3, 4, 3)
    assert [(r.calls, r.retries, r.throttled_calls) for r in account.regions] == [
        (4, 1, 0),
        (5, 2, 2),
    ]
