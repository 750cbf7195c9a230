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
    `ou_ids` has their ids. `owner` is empty if nobody is named; `owner_source` says who names it:
    `account` (the configuration) or `organization` (a tag in AWS Organizations).
    """

    account_id: AccountId
    account_name: AccountName
    regions: tuple[RegionName, ...]
    ou_path: str = ""
    owner: str = ""
    ou_ids: tuple[str, ...] = ()
    owner_source: str = "account"

    @property
    def units(self) -> tuple[str, ...]:
        """The paths and then the ids of the organizational units that contain the account."""
        names = [name for name in self.ou_path.split("/") if name]
        paths = tuple("/".join(names[:depth]) for depth in range(1, len(names) + 1))
        return paths + self.ou_ids


def display_name(account_id: AccountId, account_name: AccountName) -> str:
    """The text that identifies an account to a person: its id and its name."""
    return f"{account_id} ({account_name})"
