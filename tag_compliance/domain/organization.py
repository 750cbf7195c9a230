"""The accounts of AWS Organizations, and which of them are scanned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.read_status import Reason

_ACCOUNT_ID = re.compile("[0-9]{12}")
UNIT_ID = "ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}"
"""https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html"""

_UNIT_ID = re.compile(UNIT_ID)


class AccountState(StrEnum):
    """The field `State` of an account; `UNKNOWN` is a value that AWS has added since."""

    PENDING_ACTIVATION = "pending_activation"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    PENDING_CLOSURE = "pending_closure"
    CLOSED = "closed"
    UNKNOWN = "unknown"

    @property
    def is_readable(self) -> bool:
        """Whether roles of the account can be assumed. That is possible until it is closed:
        https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_close.html
        """
        return self in {AccountState.ACTIVE, AccountState.PENDING_CLOSURE}


@dataclass(frozen=True, slots=True)
class OrganizationAccount:
    """An account as AWS Organizations lists it.

    `unit_ids` and `unit_names` are the organizational units below the root, from the top down;
    None if AWS has not returned them.
    """

    account_id: AccountId
    account_name: AccountName
    state: AccountState
    root_id: str = ""
    unit_ids: tuple[str, ...] | None = None
    unit_names: tuple[str, ...] = ()

    @property
    def ou_path(self) -> str:
        return "/".join(self.unit_names)

    def matches(self, entry: str) -> bool:
        """Whether the entry is this account's id, or the id or path of a unit above it."""
        if _ACCOUNT_ID.fullmatch(entry):
            return entry == self.account_id
        if _UNIT_ID.fullmatch(entry):
            return entry in (self.unit_ids or ())
        return f"{self.ou_path}/".startswith(f"{entry}/")


def names_units(entries: Iterable[str]) -> bool:
    """Whether any entry is the id or path of an organizational unit."""
    return any(not _ACCOUNT_ID.fullmatch(entry) for entry in entries)


class Verdict(StrEnum):
    """Why an account is scanned or not, in words for a person."""

    LISTED = "in aws_account_matrix"
    INCLUDED = "included"
    STATE = "not active"
    NOT_INCLUDED = "not in organization.include"
    EXCLUDED = "in organization.exclude"
    NO_REGION = "no enabled region is in organization.region_allow"

    @property
    def is_scanned(self) -> bool:
        return self in {Verdict.LISTED, Verdict.INCLUDED}


def verdict_on(
    account: OrganizationAccount,
    include: Collection[str],
    exclude: Collection[str],
    listed: Collection[str],
) -> Verdict:
    """`listed` are the ids of the configured accounts, which are always scanned."""
    if account.account_id in listed:
        return Verdict.LISTED
    if not account.state.is_readable:
        return Verdict.STATE
    if include and not any(account.matches(entry) for entry in include):
        return Verdict.NOT_INCLUDED
    if any(account.matches(entry) for entry in exclude):
        return Verdict.EXCLUDED
    return Verdict.INCLUDED


@dataclass(frozen=True, slots=True)
class EnabledRegions:
    """The regions that an account had enabled at that time."""

    regions: tuple[RegionName, ...]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class AccountOwner:
    """The owner that this tag of the account named at that time; empty without such a tag."""

    owner: str
    read_at: datetime
    tag: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to read the organization: its reason is `ok` if everything was read."""

    at: datetime
    reason: Reason
    message: str = ""

    @property
    def succeeded(self) -> bool:
        return self.reason is Reason.OK


@dataclass(frozen=True)
class DiscoveredOrganization:
    """The last good list of accounts, and the latest attempt to read it.

    `listed_at` is None as long as there is no list. `settings` identifies the configuration that
    the attempt was made with. An account without entry in `regions` or `owners` was not asked, or
    the call failed.
    """

    attempt: Attempt
    settings: str = ""
    listed_at: datetime | None = None
    accounts: tuple[OrganizationAccount, ...] = ()
    regions: Mapping[AccountId, EnabledRegions] = field(default_factory=dict)
    owners: Mapping[AccountId, AccountOwner] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DiscoveryStatus:
    """What a snapshot reports about the list of accounts.

    `accounts` counts the listed accounts by state and by whether they are scanned.
    """

    attempt: Attempt
    listed_at: datetime | None
    accounts: Mapping[tuple[AccountState, bool], int]

    @property
    def failure(self) -> str:
        """One line for a person; empty if the latest attempt succeeded."""
        if self.attempt.succeeded:
            return ""
        known = f"the list of {self.listed_at:%Y-%m-%d %H:%M} UTC is used" if self.listed_at else ""
        text = f"AWS Organizations: {self.attempt.reason}: {self.attempt.message}"
        return f"{text}; {known}" if known else text


def discovery_status(
    organization: DiscoveredOrganization, scanned: Collection[AccountId]
) -> DiscoveryStatus:
    counts = Counter((a.state, a.account_id in scanned) for a in organization.accounts)
    return DiscoveryStatus(organization.attempt, organization.listed_at, counts)
