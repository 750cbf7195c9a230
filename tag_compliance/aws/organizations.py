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

from botocore import xform_name
from botocore.exceptions import ClientError

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.botocore_hooks import signing_as
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import AwsError, aws_error_of
from tag_compliance.aws.retry import CallBudget, CallStats
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

_ROOT, _UNIT = "r-", "ou-"
_ACCOUNT_ID = re.compile("[0-9]{12}")


class OrganizationsApi:
    """The calls of the management account or of a delegated administrator.

    Without `session`, they are made with the base credentials. Each of the two methods takes at
    most `seconds`, and raises `AwsError`.
    """

    def __init__(
        self, clients: Clients, session: AccountSession | None, region: RegionName, seconds: float
    ) -> None:
        self._clients = clients
        self._session = session
        self._region = region
        self._seconds = seconds
        self.stats = CallStats()

    def list_accounts(self) -> tuple[OrganizationAccount, ...]:
        """Every account, each once, with the names of the units above it.

        The names are read only of the parents of units that contain accounts: `Paths` has the ids.
        """
        listed = self._pages("ListAccounts", "Accounts", MaxResults=20)
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
        budget = self._budget("ListTagsForResource")
        for account_id in account_ids:
            tags = self._pages("ListTagsForResource", "Tags", budget, ResourceId=account_id)
            values = {tag.get("Key"): tag.get("Value") for tag in tags}
            yield account_id, _text(values.get(key))

    def _names_of_units(self, accounts: Iterable[OrganizationAccount]) -> dict[str, str]:
        """By id. Reading a parent ends as soon as all its units that contain accounts are found."""
        wanted: dict[str, set[str]] = {}
        for account in accounts:
            above = (account.root_id, *(account.unit_ids or ()))
            for parent, unit_id in pairwise(above):
                wanted.setdefault(parent, set()).add(unit_id)
        operation, names = "ListOrganizationalUnitsForParent", dict[str, str]()
        budget = self._budget(operation)
        for parent, units in wanted.items():
            missing = set(units)
            for unit in self._pages(
                operation, "OrganizationalUnits", budget, ParentId=parent, MaxResults=20
            ):
                # In a path, a slash is the separator.
                names[str(unit.get("Id"))] = _text(unit.get("Name")).replace("/", "-")
                missing.discard(str(unit.get("Id")))
                if not missing:
                    break
            if missing:
                cause = (
                    f"{', '.join(sorted(missing))} is not below {parent}: it was moved meanwhile"
                )
                raise AwsError(operation, Reason.MALFORMED_RESPONSE, cause)
        return names

    def _budget(self, operation: str) -> CallBudget:
        return CallBudget(self._seconds, CALLS_PER_SECOND[operation], self.stats)

    def _pages(
        self, operation: str, key: str, budget: CallBudget | None = None, **parameters: object
    ) -> Iterator[Mapping[str, Any]]:
        """The entries of all pages. An empty page with a token is not the last one."""
        budget = budget or self._budget(operation)
        seen = set[str]()
        while True:
            call = partial(self._call, operation, key, dict(parameters))
            response = budget.limit(operation, partial(budget.call, operation, call))
            yield from response[key]
            token = response.get("NextToken")
            if not token:
                return
            if token in seen:
                cause = f"page {len(seen) + 1} carries a token that has been used before"
                raise AwsError(operation, Reason.MALFORMED_RESPONSE, cause)
            seen.add(token)
            parameters["NextToken"] = token

    def _call(self, operation: str, key: str, parameters: dict[str, object]) -> dict[str, Any]:
        session = self._session
        used = session.credentials() if session else self._clients.base_credentials()
        client = self._clients.get("organizations", self._region)
        try:
            with signing_as(lambda: used):
                response: dict[str, Any] = getattr(client, xform_name(operation))(**parameters)
        except ClientError as error:
            failure = aws_error_of(operation, error)
            if session and failure.reason is Reason.EXPIRED_TOKEN:
                session.renew(used)
            raise failure from None
        if not isinstance(response.get(key), list):
            cause = f"the response has no list {key}"
            raise AwsError(operation, Reason.MALFORMED_RESPONSE, cause)
        return response


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
