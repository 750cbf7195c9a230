"""Many accounts are read concurrently, and each is available as soon as it is complete."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tag_compliance.aws.scanner import scan_accounts
from tag_compliance.aws.targets import targets_of
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import Reason, RegionReadStatus
from tag_compliance.domain.resources import AccountInventory
from tag_compliance_tests.fake_aws import (
    BASE_ACCOUNT_ID,
    Fault,
    Organization,
    generate_organization,
)
from tag_compliance_tests.support.aws import REGIONS, Start, config_of, rows_in, rows_of, scan
from tag_compliance_tests.support.waiting import eventually


def scanning(
    organization: Organization, regions: Sequence[str] = REGIONS, **settings: Any
) -> Generator[AccountInventory, None, None]:
    config = config_of(organization, regions, **settings)
    return scan_accounts(config, targets_of(config))


def scan_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("scan-")}


# Each example starts its own fake; all of them end with the test.
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
@example(accounts=1, regions=["cn-north-1"], resources=120, tags=5, seed=0)
@example(accounts=1, regions=["us-gov-west-1"], resources=120, tags=5, seed=0)
def test_every_resource_of_every_account_is_read(
    start: Start, accounts: int, regions: list[str], resources: int, tags: int, seed: int
) -> None:
    organization = generate_organization(accounts, regions, resources, seed, tags)
    start(organization)
    scanned = scan(organization, regions)

    for account in scanned:
        assert rows_of(account) == rows_in(organization, account.status.account_id, regions)
        for region in account.status.regions:
            pages = max(1, -(-resources // 100))
            assert (region.sources[0].calls, region.returned) == (pages, resources)


def test_untagged_and_repeated_resources_are_kept(start: Start) -> None:
    organization = Organization()
    account = organization.add_account("111111111111")
    for _ in range(2):
        account.put("us-east-1", "arn:aws:s3:::bucket")
    start(organization)
    (scanned,) = scan(organization, ["us-east-1"])

    assert rows_of(scanned) == [("us-east-1", "arn:aws:s3:::bucket", "s3:bucket", ())] * 2


@pytest.mark.parametrize("chosen", [slice(1, 3), slice(0)], ids=["two", "none"])
def test_only_the_targets_are_read(start: Start, chosen: slice) -> None:
    organization = generate_organization(5, ["us-east-1"], 1)
    config = config_of(organization)
    targets = targets_of(config)[chosen]
    fake = start(organization)
    scanned = list(scan_accounts(config, targets))

    called = {call.account_id for call in fake.calls}
    assert {i.status.account_id for i in scanned} == called == {t.account_id for t in targets}


def test_accounts_are_available_while_others_are_still_being_read(start: Start) -> None:
    organization = generate_organization(12, REGIONS, 150)
    config = config_of(organization, max_concurrency=2, region_deadline=600)
    targets = targets_of(config)
    fake = start(organization)
    for target in targets[3:]:
        fake.faults.add(Fault.HANG, operation="GetResources", account_id=target.account_id)
    with contextlib.closing(scan_accounts(config, targets)) as scanned:
        complete = {next(scanned).status.account_id for _ in range(3)}

    assert complete == {target.account_id for target in targets[:3]}
    assert fake.calls.count("GetResources", targets[-1].account_id) == 0


def test_the_roles_of_the_next_accounts_are_assumed_while_an_account_is_read(start: Start) -> None:
    organization = generate_organization(12, REGIONS, 150)
    fake = start(organization)
    scan(organization, max_concurrency=1)
    order = [(call.operation, call.account_id) for call in fake.calls]

    for account, following in pairwise(account.account_id for account in organization):
        assert order.index(("AssumeRole", following)) < order.index(("GetResources", account))


def test_a_scan_that_is_closed_makes_no_more_calls(start: Start) -> None:
    organization = generate_organization(40, REGIONS, 150)
    before = set(threading.enumerate())
    fake = start(organization, latency=0.02)
    scanned = scanning(organization, max_concurrency=4)
    next(scanned)
    scanned.close()
    eventually(lambda: not scan_threads() - before)

    assert fake.calls.count("GetResources") < 40 * 2 * 2


def test_a_slow_consumer_limits_how_many_accounts_are_read_ahead(start: Start) -> None:
    organization = generate_organization(60, ["us-east-1"], 10)
    fake = start(organization)
    with contextlib.closing(scanning(organization, ["us-east-1"], max_concurrency=2)) as scanned:
        next(scanned)
        # One account is with the consumer, 8 wait, and each thread has read one more.
        assert fake.calls.wait_for("GetResources", 1 + 8 + 2)
        list(itertools.islice(scanned, 5))
        assert fake.calls.wait_for("GetResources", 6 + 8 + 2)

        assert fake.calls.count("GetResources") == 6 + 8 + 2


def test_memory_does_not_depend_on_the_number_of_accounts(start: Start) -> None:
    organization = generate_organization(60, ["us-east-1"], 300)
    before, allocated, bytes_per_account = pa.total_allocated_bytes(), 0, 0
    start(organization, record_calls=False)
    for inventory in scanning(organization, ["us-east-1"], max_concurrency=1):
        bytes_per_account = max(bytes_per_account, inventory.resources.nbytes)
        del inventory
        allocated = max(allocated, pa.total_allocated_bytes() - before)

    assert allocated < 30 * bytes_per_account


def test_an_accounts_time_does_not_include_the_time_of_other_accounts(start: Start) -> None:
    organization = generate_organization(9, ["us-east-1"], 10)
    start(organization, latency=0.02)
    started = time.monotonic()
    scanned = scan(organization, ["us-east-1"], max_concurrency=1)
    seconds = time.monotonic() - started

    # There is one thread, so no second of the scan belongs to two accounts.
    assert sum(inventory.status.seconds for inventory in scanned) <= seconds


@pytest.mark.parametrize(("limit", "latency"), [(1, 0.02), (5, 0.1), (64, 0.1)])
def test_as_many_calls_run_concurrently_as_are_allowed(
    start: Start, limit: int, latency: float
) -> None:
    organization = generate_organization(6, REGIONS, 150)
    fake = start(organization, latency=latency)
    scan(organization, max_concurrency=limit)
    moments = sorted(call.at for call in fake.calls.matching("GetResources"))

    together = max(sum(0 <= at - moment < latency for at in moments) for moment in moments)
    assert together <= limit
    assert together >= min(limit, 8)


def test_no_account_is_ever_read_with_the_credentials_of_another(start: Start) -> None:
    organization = generate_organization(40, REGIONS, 120)
    fake = start(organization, latency=0.005)
    scanned = scan(organization, max_concurrency=32)
    reads = Counter(call.caller.arn for call in fake.calls.matching("GetResources"))

    for account in scanned:
        own = account.status.account_id
        assert account.status.succeeded
        assert rows_of(account) == rows_in(organization, own, REGIONS)
        arn = f"arn:aws:sts::{own}:assumed-role/terraform/tag-compliance"
        assert reads[arn] == 4


def test_base_credentials_read_their_own_account_and_no_other(start: Start) -> None:
    organization = generate_organization(2, ["us-east-1"], 3)
    own = organization.add_account(BASE_ACCOUNT_ID)
    own.put("us-east-1", f"arn:aws:sqs:us-east-1:{BASE_ACCOUNT_ID}:q")
    fake = start(organization)
    scanned = scan(organization, ["us-east-1"], assume_role_name_template=None)

    assert fake.calls.count("GetResources") == 1
    reasons = [account.status.reason for account in scanned]
    assert reasons == [Reason.ACCESS_DENIED, Reason.ACCESS_DENIED, Reason.OK]


def test_a_denied_role_is_never_replaced_by_other_credentials(start: Start) -> None:
    organization = generate_organization(3, REGIONS, 5)
    denied = next(iter(organization)).account_id
    fake = start(organization)
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=denied)
    scanned = scan(organization)

    callers = {call.caller.account_id for call in fake.calls.matching("GetResources")}
    assert not callers & {denied, BASE_ACCOUNT_ID}
    assert fake.calls.count("AssumeRole", denied) == 1
    assert scanned[0].status.reason is Reason.ASSUME_ROLE_DENIED
    assert len(scanned[0].resources) == 0
    assert scanned[0].status.last_success_at is None


def test_sessions_that_end_during_a_scan_are_renewed_before_they_end(start: Start) -> None:
    organization = generate_organization(1, ["us-east-1"], 2_200)
    config = config_of(
        organization, ["us-east-1"], via_role_arn="arn:aws:iam::222222222222:role/hub"
    )
    organization.add_account("222222222222")
    fake = start(organization, session_seconds=4, latency=0.2)
    (scanned,) = scan_accounts(config, targets_of(config))

    assert fake.calls.count("AssumeRole") >= 4
    (source,) = scanned.status.regions[0].sources
    assert (source.reason, source.retries, source.returned) == (Reason.OK, 0, 2_200)


def test_calls_at_the_rate_that_aws_allows_are_never_throttled(start: Start) -> None:
    organization = generate_organization(1, ["us-east-1"], 3_500)
    start(organization, calls_per_second=15)
    (scanned,) = scan(organization, ["us-east-1"], calls_per_second=15.0)

    (source,) = scanned.status.regions[0].sources
    assert (source.reason, source.calls, source.throttled_calls) == (Reason.OK, 35, 0)
    assert source.seconds > 34 / 15


def test_progress_is_reported_once_for_each_region(start: Start) -> None:
    organization = generate_organization(4, REGIONS, 10)
    reported: list[tuple[str, str]] = []

    def progress(account_id: AccountId, region: RegionReadStatus) -> None:
        reported.append((account_id, region.region))

    start(organization)
    config = config_of(organization)
    list(scan_accounts(config, targets_of(config), progress))

    assert sorted(reported) == sorted((a.account_id, r) for a in organization for r in REGIONS)


def test_an_accounts_calls_are_those_of_its_regions_and_its_role(start: Start) -> None:
    organization = generate_organization(1, REGIONS, 250)
    fake = start(organization)
    fake.faults.add(Fault.THROTTLED, operation="AssumeRole", times=1)
    fake.faults.add(Fault.THROTTLED, region="eu-west-1", page=1, times=2)
    fake.faults.add(Fault.HTTP_503, region="us-east-1", page="last", times=1)
    (scanned,) = scan(organization)

    account = scanned.status
    assert (account.calls, account.retries, account.throttled_calls) == (2 + 6 + 3, 4, 3)
    sources = [source for region in account.regions for source in region.sources]
    assert [(s.calls, s.retries, s.throttled_calls) for s in sources] == [(4, 1, 0), (5, 2, 2)]


def test_a_rate_of_less_than_one_call_within_the_deadline_does_not_outlast_it(
    start: Start,
) -> None:
    organization = generate_organization(1, ["us-east-1"], 150)
    start(organization)
    (scanned,) = scan(organization, ["us-east-1"], calls_per_second=0.0001, region_deadline=1)

    assert scanned.status.reason is Reason.TIMEOUT
