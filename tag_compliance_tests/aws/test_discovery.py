"""Discovery against a fake AWS: what is called, what is selected, and what a failure leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tag_compliance.aws.discovery import discover, is_due, refresh
from tag_compliance.aws.targets import resolve, targets_of, verdicts
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.organization import AccountState, DiscoveredOrganization, Verdict
from tag_compliance.domain.read_status import Reason
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.support.aws import Start
from tag_compliance_tests.support.discovery import (
    CLOSED,
    READER,
    SANDBOX,
    SHOP,
    STAGE,
    discovering_config,
    small_organization,
)


@pytest.fixture
def fake(start: Start) -> FakeAws:
    return start(small_organization())


def _scanned(found: DiscoveredOrganization, **keys: Any) -> list[str]:
    config = discovering_config(keys.pop("organization", None), **keys)
    return [target.account_id for target in targets_of(resolve(config, found))]


def test_accounts_that_can_be_read_are_targets_with_name_and_unit(fake: FakeAws) -> None:
    config = discovering_config()
    found = discover(config, None)

    assert found.attempt.reason is Reason.OK
    assert [
        (t.account_id, t.account_name, t.ou_path, t.regions)
        for t in targets_of(resolve(config, found))
    ] == [
        (SHOP, "shop", "Workloads/Prod", ("us-east-1",)),
        (STAGE, "stage", "Workloads", ("us-east-1",)),
        (SANDBOX, "sandbox", "Sandbox", ("us-east-1",)),
    ]
    assert verdicts(config, found)[AccountId(CLOSED)] is Verdict.STATE


def test_only_parents_of_units_with_accounts_are_read(start: Start) -> None:
    organization = small_organization()
    for number in range(30):  # behind the others, so that no second page is needed
        organization.add_unit(f"Empty {number}", organization.add_unit(f"Team {number}"))
    fake = start(organization)
    discover(discovering_config(), None)

    # The root, and Workloads, which has Prod below it.
    assert fake.calls.count("ListOrganizationalUnitsForParent") == 2
    assert fake.calls.count("ListAccounts") == 1
    assert {call.operation for call in fake.calls} == {
        *("AssumeRole", "ListAccounts", "ListOrganizationalUnitsForParent")
    }


@pytest.mark.parametrize(
    ("include", "exclude", "scanned"),
    [
        ([], [], [SHOP, STAGE, SANDBOX]),
        (["Workloads"], [], [SHOP, STAGE]),
        (["Workloads/Prod"], [], [SHOP]),
        (["Work"], [], []),
        (["workloads"], [], []),
        ([SANDBOX], [], [SANDBOX]),
        ([SANDBOX, "Workloads"], [STAGE], [SHOP, SANDBOX]),
        ([], ["Workloads/Prod", SANDBOX], [STAGE]),
        (["Workloads"], ["Workloads"], []),
        ([CLOSED], [], []),
    ],
)
def test_include_and_exclude_select_accounts_and_everything_below_units(
    fake: FakeAws, include: list[str], exclude: list[str], scanned: list[str]
) -> None:
    found = discover(discovering_config(), None)

    assert _scanned(found, organization={"include": include, "exclude": exclude}) == scanned


def test_the_id_of_a_unit_covers_everything_below_it(start: Start) -> None:
    organization = small_organization()
    start(organization)
    found = discover(discovering_config(), None)
    [workloads] = [u.unit_id for u in organization.units.values() if u.name == "Workloads"]

    assert _scanned(found, organization={"include": [workloads]}) == [SHOP, STAGE]
    assert _scanned(found, organization={"exclude": [workloads]}) == [SANDBOX]


def test_the_keys_of_a_row_win_and_the_others_are_discovered(fake: FakeAws) -> None:
    rows = [
        {"account_id": SANDBOX, "regions": ["eu-west-1"]},
        {"account_id": CLOSED, "account_name": "old", "ou_path": "Attic"},
        {"account_id": "555555555555"},
    ]
    keys = {"exclude": ["Sandbox"], "regions": ["us-west-2"]}
    config = discovering_config(keys, aws_account_matrix=rows)
    found = discover(config, None)

    assert [
        (t.account_id, t.account_name, t.ou_path, t.regions)
        for t in targets_of(resolve(config, found))
    ] == [
        (SANDBOX, "sandbox", "Sandbox", ("eu-west-1",)),
        (CLOSED, "old", "Attic", ("us-west-2",)),
        ("555555555555", "555555555555", "", ("us-west-2",)),
        (SHOP, "shop", "Workloads/Prod", ("us-west-2",)),
        (STAGE, "stage", "Workloads", ("us-west-2",)),
    ]
    assert verdicts(config, found)[AccountId(SANDBOX)] is Verdict.LISTED


def test_enabled_regions_are_read_in_each_account_once_a_day(start: Start) -> None:
    organization = small_organization()
    organization[SHOP].opted_in_regions.add("eu-south-1")
    organization[STAGE].disable_region("eu-west-1")
    fake = start(organization)
    keys = {"regions": "enabled", "region_allow": ["eu-south-*", "eu-west-1", "us-east-1"]}
    config = discovering_config(keys, regions=["eu-south-1"])
    found = discover(config, None)

    assert {t.account_id: t.regions for t in targets_of(resolve(config, found))} == {
        SHOP: ("eu-south-1", "eu-west-1", "us-east-1"),
        STAGE: ("us-east-1",),
        SANDBOX: ("eu-west-1", "us-east-1"),
    }
    # eu-south-1 is not enabled in every account, so it is asked elsewhere.
    assert {call.region for call in fake.calls.matching("DescribeRegions")} == {"us-east-1"}
    assert fake.calls.count("DescribeRegions") == 3

    assert discover(config, found).regions == found.regions
    assert fake.calls.count("DescribeRegions") == 3
    old = {a: replace(e, read_at=e.read_at - timedelta(days=1)) for a, e in found.regions.items()}
    discover(config, replace(found, regions=old))
    assert fake.calls.count("DescribeRegions") == 6


def test_regions_of_an_account_that_cannot_be_asked_are_the_last_known_ones(start: Start) -> None:
    organization = small_organization()
    fake = start(organization)
    config = discovering_config({"regions": "enabled"}, regions=["us-west-2"])
    found = discover(config, None)
    old = {a: replace(e, read_at=e.read_at - timedelta(days=2)) for a, e in found.regions.items()}
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=SHOP)

    again = discover(config, replace(found, regions=old))
    # The account itself fails when it is read, so the discovery has not failed.
    assert again.attempt.succeeded
    assert again.regions[AccountId(SHOP)] == old[AccountId(SHOP)]
    never = discover(config, None)
    targets = {t.account_id: t.regions for t in targets_of(resolve(config, never))}
    assert targets[AccountId(SHOP)] == ("us-west-2",)
    assert targets[AccountId(STAGE)] == found.regions[AccountId(STAGE)].regions


def test_a_missing_permission_for_regions_is_reported_and_the_list_is_new(fake: FakeAws) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="DescribeRegions", account_id=STAGE)
    found = discover(discovering_config({"regions": "enabled"}), None)

    assert len(found.accounts) == 5
    assert found.attempt.reason is Reason.ACCESS_DENIED
    assert found.attempt.message.startswith(f"DescribeRegions: account {STAGE}: Unauthorized")


def test_a_discovery_ends_at_its_deadline_however_many_accounts_hang(fake: FakeAws) -> None:
    fake.faults.add(Fault.HANG, operation="DescribeRegions")
    config = discovering_config({"regions": "enabled"}, region_deadline=3, max_concurrency=1)
    found = discover(config, None)

    assert fake.calls.count("DescribeRegions") == 1, "the other accounts are not asked any more"
    assert len(found.accounts) == 5
    assert found.attempt.reason is Reason.TIMEOUT


def test_an_account_without_an_allowed_region_is_not_scanned(fake: FakeAws) -> None:
    config = discovering_config({"regions": "enabled", "region_allow": ["me-*"]})
    found = discover(config, None)

    assert targets_of(resolve(config, found)) == ()
    assert verdicts(config, found)[AccountId(SHOP)] is Verdict.NO_REGION


def test_the_owner_is_the_tag_of_the_account_and_is_read_once_a_day(fake: FakeAws) -> None:
    rows = [{"account_id": SANDBOX, "account_owner": "row@example.com"}]
    config = discovering_config({"account_owner_tag": "Owner"}, aws_account_matrix=rows)
    found = discover(config, None)

    owners = {t.account_id: t.owner for t in targets_of(resolve(config, found))}
    assert owners == {
        SANDBOX: "row@example.com",
        SHOP: "shop@example.com",
        STAGE: "stage@example.com",
    }
    stored = Config.model_validate_json(resolve(config, found).model_dump_json(by_alias=True))
    assert {t.account_id: t.owner_source for t in targets_of(stored)} == {
        SANDBOX: "account",
        SHOP: "organization",
        STAGE: "organization",
    }
    assert fake.calls.count("ListTagsForResource") == 2
    discover(config, found)
    assert fake.calls.count("ListTagsForResource") == 2


def test_the_owner_of_another_tag_does_not_count(fake: FakeAws) -> None:
    fake.organization[SHOP].account_tags["Team"] = "team-shop"
    by_owner = discovering_config({"account_owner_tag": "Owner"})
    by_team = discovering_config({"account_owner_tag": "Team"})
    found = discover(by_owner, None)

    def owner(config: Config, organization: DiscoveredOrganization) -> str:
        [shop] = targets_of(resolve(config, organization), {SHOP})
        return shop.owner

    assert owner(by_owner, found) == "shop@example.com"
    assert (owner(by_team, found), owner(discovering_config(), found)) == ("", "")
    assert owner(by_team, discover(by_team, found)) == "team-shop"


def test_a_denied_owner_tag_is_reported_and_the_last_owners_stay(fake: FakeAws) -> None:
    config = discovering_config({"account_owner_tag": "Owner"})
    found = discover(config, None)
    old = {a: replace(e, read_at=e.read_at - timedelta(days=2)) for a, e in found.owners.items()}
    fake.faults.add(Fault.ACCESS_DENIED, operation="ListTagsForResource")
    again = discover(config, replace(found, owners=old))

    assert again.owners == old
    assert again.attempt.reason is Reason.ACCESS_DENIED
    assert again.listed_at != found.listed_at
    assert fake.calls.count("ListTagsForResource") == 4  # one of them is the denied one


@pytest.mark.parametrize(
    ("fault", "operation", "reason", "text"),
    [
        (Fault.ACCESS_DENIED, "ListAccounts", Reason.ACCESS_DENIED, "organizations:ListAccounts"),
        (Fault.ACCESS_DENIED, "AssumeRole", Reason.ASSUME_ROLE_DENIED, READER),
        (
            Fault.ACCESS_DENIED,
            "ListOrganizationalUnitsForParent",
            Reason.ACCESS_DENIED,
            "organizations:ListOrganizationalUnitsForParent",
        ),
        (Fault.NO_ORGANIZATION, "ListAccounts", Reason.NO_ORGANIZATION, "not a member"),
        (Fault.REPEAT_TOKEN, "ListAccounts", Reason.MALFORMED_RESPONSE, "used before"),
        (Fault.MISSING_LIST, "ListAccounts", Reason.MALFORMED_RESPONSE, "no list Accounts"),
        (Fault.EMPTY_LIST, "ListAccounts", Reason.LIST_REJECTED, "--accept-accounts"),
        (
            Fault.EMPTY_LIST,
            "ListOrganizationalUnitsForParent",
            Reason.MALFORMED_RESPONSE,
            "is not below r-ab12",
        ),
        (Fault.HTTP_503_HTML, "ListAccounts", Reason.INTERNAL, "not from AWS"),
    ],
)
def test_a_failure_leaves_the_last_good_list_and_says_why(
    fake: FakeAws, fault: Fault, operation: str, reason: Reason, text: str
) -> None:
    config = discovering_config(region_deadline=2)
    known = discover(config, None)
    fake.faults.add(fault, operation=operation)
    found = discover(config, known)

    assert (found.attempt.reason, text in found.attempt.message) == (reason, True)
    assert (found.accounts, found.listed_at) == (known.accounts, known.listed_at)
    nothing = discover(config, None)
    assert (nothing.accounts, nothing.listed_at) == ((), None)


def test_throttled_calls_are_repeated(fake: FakeAws) -> None:
    fake.faults.add(Fault.THROTTLED, operation="ListAccounts", times=2)
    found = discover(discovering_config(), None)

    assert found.attempt.succeeded
    assert fake.calls.count("ListAccounts") == 3


def test_expired_credentials_are_renewed(fake: FakeAws) -> None:
    fake.faults.add(Fault.EXPIRED_TOKEN, operation="ListAccounts", times=1)
    assert discover(discovering_config(), None).attempt.succeeded
    assert fake.calls.count("AssumeRole") == 2


def test_accounts_behind_an_empty_page_are_found(start: Start) -> None:
    organization = Organization()
    for number in range(41):
        organization.add_account(f"{number + 1:012}")
    fake = start(organization)
    found = discover(discovering_config({"role_arn": None, "refresh": 60}), None)

    assert [a.account_id for a in found.accounts] == [f"{n + 1:012}" for n in range(41)]
    assert fake.calls.count("ListAccounts") == 4


def test_without_state_the_status_counts(fake: FakeAws) -> None:
    fake.faults.add(Fault.ONLY_STATUS, operation="ListAccounts")
    found = discover(discovering_config(), None)

    states = {account.account_id: account.state for account in found.accounts}
    assert (states[AccountId(SHOP)], states[AccountId(CLOSED)]) == (
        AccountState.ACTIVE,
        AccountState.SUSPENDED,
    )


@pytest.mark.parametrize("state", ["PENDING_CLOSURE", "SUSPENDED", "NEW_STATE"])
def test_an_account_is_read_until_it_is_closed(start: Start, state: str) -> None:
    organization = small_organization()
    organization[SHOP].state = state
    start(organization)
    found = discover(discovering_config(), None)

    assert (SHOP in _scanned(found)) == (state == "PENDING_CLOSURE")


def test_without_paths_units_cannot_be_selected(fake: FakeAws) -> None:
    fake.faults.add(Fault.MISSING_PATHS, operation="ListAccounts")
    by_id = discover(discovering_config({"exclude": [STAGE]}), None)
    by_unit = discover(discovering_config({"exclude": ["Sandbox"]}), None)

    assert by_id.attempt.succeeded
    assert by_unit.attempt.reason is Reason.MALFORMED_RESPONSE
    assert "has no Paths" in by_unit.attempt.message


def test_a_list_that_lost_too_many_accounts_is_rejected_until_it_is_accepted(start: Start) -> None:
    organization = small_organization()
    start(organization)
    config = discovering_config({"largest_drop": 50})
    known = discover(config, None)
    organization.remove_account(SHOP)
    assert discover(config, known).attempt.succeeded  # a third less
    organization.remove_account(STAGE)
    rejected = discover(config, known)

    assert rejected.attempt.reason is Reason.LIST_REJECTED
    assert "1 accounts instead of 3 are more than 50 % less" in rejected.attempt.message
    assert rejected.accounts == known.accounts
    assert _scanned(discover(config, rejected, accept=True)) == [SANDBOX]


def test_the_base_credentials_read_the_organization_without_a_role(fake: FakeAws) -> None:
    assert discover(discovering_config({"role_arn": None, "refresh": 60}), None).attempt.succeeded
    assert fake.calls.count("AssumeRole") == 0


def test_the_list_is_due_after_refresh_and_when_its_settings_change(fake: FakeAws) -> None:
    config = discovering_config({"refresh": 60})
    known = discover(config, None)
    now = known.attempt.at

    assert is_due(config, None, now)
    assert not is_due(config, known, now + timedelta(seconds=59))
    assert is_due(config, known, now + timedelta(seconds=60))
    assert is_due(discovering_config({"refresh": 60, "include": ["Workloads"]}), known, now)
    failed = replace(
        known,
        attempt=replace(known.attempt, reason=Reason.THROTTLED),
        listed_at=now - timedelta(seconds=3600),
    )
    hourly = discovering_config({"refresh": 3600}, refresh_interval=300)
    assert not is_due(hourly, failed, now + timedelta(seconds=299))
    assert is_due(hourly, failed, now + timedelta(seconds=300))
    ahead = replace(known, attempt=replace(known.attempt, at=utc_now() + timedelta(days=1)))
    assert is_due(config, ahead, utc_now())
    rows = [{"account_id": SHOP}]
    assert not is_due(
        discovering_config(aws_account_matrix=rows).model_copy(update={"organization": None}),
        None,
        now,
    )


def test_a_refresh_is_stored_and_a_failed_one_keeps_the_list(fake: FakeAws, tmp_path: Any) -> None:
    storage, config = FolderStorage(tmp_path / "state"), discovering_config()
    first = refresh(config, storage, print)
    fake.faults.add(Fault.ACCESS_DENIED, operation="ListAccounts")
    second = refresh(config, storage, print)

    assert second.accounts == first.accounts
    assert (second.attempt.reason, second.listed_at) == (Reason.ACCESS_DENIED, first.listed_at)
