"""AWS Organizations: the accounts with their state and organizational units, and their owners.

https://docs.aws.amazon.com/organizations/latest/APIReference/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.retry import CallBudget
from tag_compliance.aws.sources.paging import Caller, Session
from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.organization import AccountState, OrganizationAccount
from tag_compliance.domain.read_status import Reason

CALLS_PER_SECOND: Mapping[str, float] = {
    "ListAccounts": 6.0,
    "ListOrganizationalUnitsForParent": 4.0,
    "ListTagsForResource": 8.0,
}
"""AWS allows 8, 5 and 10 for all callers of the organization together:
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""

_LIST_UNITS = "ListOrganizationalUnitsForParent"
_ROOT, _UNIT = "r-", "ou-"
_ACCOUNT_ID = re.compile("[0-9]{12}")


class OrganizationsApi:
    """The calls of the management account or of a delegated administrator.

    Each of the two methods takes at most `seconds`, and raises `AwsError`.
    """

    def __init__(
        self, clients: Clients, session: Session, region: RegionName, seconds: float
    ) -> None:
        self._session = session
        self._client = partial(clients.get, "organizations", region)
        self._seconds = seconds

    def list_accounts(self) -> tuple[OrganizationAccount, ...]:
        """Every account, each once, with the names of the units above it.

        The names are read only of the parents of units that contain accounts: `Paths` has the ids.
        """
        listed = _all(self._caller("ListAccounts"), "ListAccounts", "Accounts", MaxResults=20)
        accounts = {account.account_id: account for account in map(_account_of, listed)}
        names = self._names_of_units(accounts.values())
        return tuple(
            replace(account, unit_names=tuple(names[unit] for unit in account.unit_ids or ()))
            for account in accounts.values()
        )

    def owners_of(
        self, account_ids: Iterable[AccountId], key: str
    ) -> Iterator[tuple[AccountId, str]]:
        """The value of each account's tag, empty without one."""
        operation = "ListTagsForResource"
        caller = self._caller(operation)
        for account_id in account_ids:
            tags = _all(caller, operation, "Tags", ResourceId=account_id)
            values = {tag.get("Key"): tag.get("Value") for tag in tags}
            yield account_id, _text(values.get(key))

    def _names_of_units(self, accounts: Iterable[OrganizationAccount]) -> dict[str, str]:
        """By id."""
        wanted: dict[str, set[str]] = {}
        for account in accounts:
            above = (account.root_id, *(account.unit_ids or ()))
            for parent, unit_id in pairwise(above):
                wanted.setdefault(parent, set()).add(unit_id)
        caller, names = self._caller(_LIST_UNITS), dict[str, str]()
        for parent, units in wanted.items():
            read = partial(_names_below, caller, parent, units)
            names |= caller.budget.limit(_LIST_UNITS, read)
        return names

    def _caller(self, operation: str) -> Caller:
        budget = CallBudget(self._seconds, CALLS_PER_SECOND[operation])
        return Caller(self._session, budget, self._client)


def _names_below(caller: Caller, parent: str, units: set[str]) -> dict[str, str]:
    """The names of the units below a parent, by id, until those of all `units` are found."""
    missing, names = set(units), dict[str, str]()
    for unit in caller.entries(_LIST_UNITS, "OrganizationalUnits", ParentId=parent, MaxResults=20):
        # In a path, a slash is the separator.
        names[str(unit.get("Id"))] = _text(unit.get("Name")).replace("/", "-")
        missing.discard(str(unit.get("Id")))
        if not missing:
            return names
    cause = f"{', '.join(sorted(missing))} is not below {parent}: it was moved meanwhile"
    raise AwsError(_LIST_UNITS, Reason.MALFORMED_RESPONSE, cause)


def _all(caller: Caller, operation: str, key: str, **parameters: object) -> list[Mapping[str, Any]]:
    """The entries of all pages, before the deadline of the caller's budget."""
    return caller.budget.limit(operation, lambda: [*caller.entries(operation, key, **parameters)])


def _account_of(entry: Mapping[str, Any]) -> OrganizationAccount:
    """One entry of ListAccounts. Raises `AwsError`."""
    account_id = str(entry.get("Id", ""))
    # AWS retires Status, which has fewer values, in favour of State.
    state = str(entry.get("State") or entry.get("Status") or "").lower()
    path = next(iter(entry.get("Paths") or ()), "")
    ids = [part for part in str(path).split("/") if part.startswith((_ROOT, _UNIT))]
    if not _ACCOUNT_ID.fullmatch(account_id) or (path and not (ids and ids[0].startswith(_ROOT))):
        cause = f"an entry is malformed: Id {account_id!r}, Paths {entry.get('Paths')!r}"
        raise AwsError("ListAccounts", Reason.MALFORMED_RESPONSE, cause)
    return OrganizationAccount(
        AccountId(account_id),
        AccountName(_text(entry.get("Name")) or account_id),
        AccountState(state) if state in set(AccountState) else AccountState.UNKNOWN,
        root_id=ids[0] if ids else "",
        unit_ids=tuple(ids[1:]) if ids else None,
    )


def _text(value: object) -> str:
    """The text without what neither the configuration nor UTF-8 can represent."""
    text = str(value or "").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "replace").decode()
