"""Accounts of an organization: entries that match them, verdicts, and the status of discovery."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.organization import (
    AccountState,
    Attempt,
    DiscoveredOrganization,
    OrganizationAccount,
    Verdict,
    discovery_status,
    names_units,
    verdict_on,
)
from tag_compliance.domain.read_status import Reason

_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _account(
    account_id: str = "111111111111", state: AccountState = AccountState.ACTIVE
) -> OrganizationAccount:
    units = ("ou-ab12-aaaaaaaa", "ou-ab12-bbbbbbbb")
    return OrganizationAccount(
        AccountId(account_id), AccountName("shop"), state, "r-ab12", units, ("Workloads", "Prod EU")
    )


@pytest.mark.parametrize(
    ("entry", "matches"),
    [
        ("Workloads", True),
        ("Workloads/Prod EU", True),
        ("Workloads/Prod", False),
        ("Prod EU", False),
        ("workloads", False),
        ("111111111111", True),
        ("222222222222", False),
        ("ou-ab12-aaaaaaaa", True),
        ("ou-ab12-bbbbbbbb", True),
        ("ou-ab12-cccccccc", False),
    ],
)
def test_an_entry_matches_the_account_or_a_unit_above_it(entry: str, matches: bool) -> None:
    assert _account().matches(entry) is matches


@pytest.mark.parametrize(
    ("state", "include", "exclude", "listed", "verdict"),
    [
        (AccountState.ACTIVE, [], [], [], Verdict.INCLUDED),
        (AccountState.CLOSED, ["Workloads"], [], [], Verdict.STATE),
        (AccountState.ACTIVE, ["Sandbox"], ["Workloads"], [], Verdict.NOT_INCLUDED),
        (AccountState.ACTIVE, ["Workloads"], ["Workloads/Prod EU"], [], Verdict.EXCLUDED),
        (AccountState.CLOSED, [], ["Workloads"], ["111111111111"], Verdict.LISTED),
    ],
)
def test_a_listed_account_is_scanned_whatever_the_other_rules_say(
    state: AccountState, include: list[str], exclude: list[str], listed: list[str], verdict: Verdict
) -> None:
    assert verdict_on(_account(state=state), include, exclude, listed) is verdict


def test_entries_that_are_no_account_ids_name_units() -> None:
    assert names_units(["111111111111", "Workloads"])
    assert names_units(["ou-ab12-aaaaaaaa"])
    assert not names_units(["111111111111"])


def test_the_status_counts_accounts_by_state_and_says_which_list_is_used() -> None:
    accounts = (_account(), _account("2" * 12), _account("3" * 12, AccountState.SUSPENDED))
    failed = Attempt(_AT, Reason.ACCESS_DENIED, "ListAccounts: denied")
    organization = DiscoveredOrganization(failed, listed_at=_AT, accounts=accounts)
    status = discovery_status(organization, {AccountId("1" * 12)})

    assert status.accounts == {
        (AccountState.ACTIVE, True): 1,
        (AccountState.ACTIVE, False): 1,
        (AccountState.SUSPENDED, False): 1,
    }
    assert status.failure == (
        "AWS Organizations: access_denied: ListAccounts: denied; "
        "the list of 2026-11-24 12:00 UTC is used"
    )
    succeeded = DiscoveredOrganization(Attempt(_AT, Reason.OK), listed_at=_AT)
    assert discovery_status(succeeded, ()).failure == ""
