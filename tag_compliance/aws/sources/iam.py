"""The source `iam`: roles and users with their tags, which the tagging API never returns.

There are two ways to read them. GetAccountAuthorizationDetails returns roles, users and tags in few
calls, but with their policies, which the program does not decode; a security team may refuse it.
ListRoles and ListUsers return no tags, so ListRoleTags and ListUserTags are called for each of
them: a call for each role and user.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import msgspec
import pyarrow as pa

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.botocore_hooks import DECODED
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import ResourceNotFound
from tag_compliance.aws.retry import CallBudget
from tag_compliance.aws.sources.columns import ResourceColumns
from tag_compliance.aws.sources.paging import Caller
from tag_compliance.aws.sources.query_page import (
    QueryPage,
    child_of,
    decode_xml,
    members_of,
    tags_of,
    text_of,
)
from tag_compliance.config import IamTagsFrom
from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.read_status import Source

if TYPE_CHECKING:
    from botocore.client import BaseClient

_DETAILS = "GetAccountAuthorizationDetails"
_DETAIL_LISTS = ("UserDetailList", "RoleDetailList")
_DETAILS_PER_PAGE = 200
"""Of 1,000 possible: with its policies, a role can take 40 kilobytes, and a response is limited."""

_ITEMS_PER_PAGE = 1_000

_CALLS_PER_SECOND = 10.0
"""AWS publishes no number; the limits of IAM apply to the account, and cannot be increased:
https://repost.aws/knowledge-center/iam-sts-throttling-error
At this rate, 5,000 roles, the highest quota, are read within the default `region_deadline`.
"""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Roles or users: the operations that list them and their tags, the list in the response, and
    the element and parameter with the name of one.
    """

    list_operation: str
    tags_operation: str
    list_name: str
    name: str


_ROLES = _Kind("ListRoles", "ListRoleTags", "Roles", "RoleName")
_USERS = _Kind("ListUsers", "ListUserTags", "Users", "UserName")


class Iam:
    """Reads the roles and users of an account. `max_pages` and `page_read` are as in `Caller`."""

    name = Source.IAM
    calls_per_second = _CALLS_PER_SECOND

    def __init__(
        self,
        clients: Clients,
        tags_from: IamTagsFrom,
        max_pages: int | None = None,
        page_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._clients = clients
        self._tags_from = tags_from
        self._max_pages = max_pages
        self._page_read = page_read

    @property
    def operation(self) -> str:
        by_details = self._tags_from is IamTagsFrom.ACCOUNT_DETAILS
        return _DETAILS if by_details else _ROLES.list_operation

    def read(self, session: AccountSession, region: RegionName, budget: CallBudget) -> pa.Table:
        client = partial(self._clients.get, "iam", region, _decode_pages)
        caller = Caller(session, budget, client, self._max_pages, self._page_read)
        columns, account_id = ResourceColumns(region, self.name), session.target.account_id
        if self._tags_from is IamTagsFrom.ACCOUNT_DETAILS:
            for page in caller.pages(_DETAILS, _get_details):
                own = page.of_account(_DETAILS, account_id)
                columns.add(own.arns, own.tags)
        else:
            for kind in (_ROLES, _USERS):
                _read_each(kind, caller, account_id, columns)
        return columns.table()


def _read_each(
    kind: _Kind, caller: Caller, account_id: AccountId, columns: ResourceColumns
) -> None:
    for page in caller.pages(kind.list_operation, partial(_get_list, kind)):
        own = page.of_account(kind.list_operation, account_id)
        # A test of the permissions reads the tags of one role and one user.
        most = None if caller.max_pages is None else 1
        for arn, name in islice(zip(own.arns, own.names, strict=True), most):
            tags = _tags_of_one(kind, name, caller)
            caller.page_read()
            if tags is not None:
                columns.add([arn], [tags])


def _tags_of_one(kind: _Kind, name: str, caller: Caller) -> dict[str, str] | None:
    """None if the role or user was deleted after it had been listed."""
    tags: dict[str, str] = {}
    try:
        for page in caller.pages(kind.tags_operation, partial(_get_tags, kind, name)):
            tags |= page.tags[0]
    except ResourceNotFound:
        return None
    return tags


def _get_details(client: Any, token: str) -> QueryPage:
    call = client.get_account_authorization_details
    return _get(call, token, _DETAILS_PER_PAGE, Filter=["User", "Role"])


def _get_list(kind: _Kind, client: Any, token: str) -> QueryPage:
    call = client.list_roles if kind is _ROLES else client.list_users
    return _get(call, token, _ITEMS_PER_PAGE)


def _get_tags(kind: _Kind, name: str, client: Any, token: str) -> QueryPage:
    call = client.list_role_tags if kind is _ROLES else client.list_user_tags
    return _get(call, token, _ITEMS_PER_PAGE, **{kind.name: name})


def _get(call: Callable[..., Any], token: str, size: int, **parameters: Any) -> QueryPage:
    marker = {"Marker": token} if token else {}
    page: QueryPage = call(MaxItems=size, **marker, **parameters)[DECODED]
    return page


def _decode_pages(client: BaseClient) -> None:
    decode_xml(client, _DETAILS, _decode_details)
    for kind in (_ROLES, _USERS):
        decode_xml(client, kind.list_operation, partial(_decode_list, kind))
        decode_xml(client, kind.tags_operation, _decode_tags)


def _decode_details(result: ET.Element) -> QueryPage:
    lists = [found for name in _DETAIL_LISTS if (found := child_of(result, name)) is not None]
    if not lists:
        raise msgspec.ValidationError(f"{' and '.join(_DETAIL_LISTS)} are absent")
    members = [member for found in lists for member in found]
    return QueryPage(
        [text_of(member, "Arn") for member in members],
        [tags_of(member) for member in members],
        _marker_of(result),
    )


def _decode_list(kind: _Kind, result: ET.Element) -> QueryPage:
    members = members_of(result, kind.list_name)
    return QueryPage(
        [text_of(member, "Arn") for member in members],
        (),
        _marker_of(result),
        [text_of(member, kind.name) for member in members],
    )


def _decode_tags(result: ET.Element) -> QueryPage:
    """The tags of one resource, whose ARN is not in the response."""
    members_of(result, "Tags")
    return QueryPage((), [tags_of(result)], _marker_of(result))


def _marker_of(result: ET.Element) -> str:
    is_truncated = text_of(result, "IsTruncated")
    if is_truncated not in {"true", "false"}:
        raise msgspec.ValidationError(f"`IsTruncated` is {is_truncated!r}")
    return text_of(result, "Marker") if is_truncated == "true" else ""
