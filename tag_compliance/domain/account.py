"""Targets: the accounts that a scan reads, and the names of accounts and regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

AccountId = NewType("AccountId", str)
"""12 digits."""

AccountName = NewType("AccountName", str)
"""The name by which people know an account; free text, never empty."""

RegionName = NewType("RegionName", str)
"""A region as AWS names it, for example `eu-west-1`."""


@dataclass(frozen=True, slots=True)
class Target:
    """An account to read, from the configuration or from AWS Organizations.

    Code that receives a target does not know where it comes from. `regions` are in the order in
    which they are reported. `ou_path` has the names of the organizational units below the root, as
    in `Workloads/Prod`; it is empty for an account directly below the root, and if it is not known.
    `owner` is empty if nobody is named.
    """

    account_id: AccountId
    account_name: AccountName
    regions: tuple[RegionName, ...]
    ou_path: str = ""
    owner: str = ""


def display_name(account_id: AccountId, account_name: AccountName) -> str:
    """The text that identifies an account to a person: its id and its name."""
    return f"{account_id} ({account_name})"
