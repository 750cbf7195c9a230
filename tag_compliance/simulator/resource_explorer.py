"""AWS Resource Explorer: the calls that find resources without tags.

https://docs.aws.amazon.com/resource-explorer/latest/apireference/
Resources without an index are not simulated: a region without one has no views either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tag_compliance.domain.arn import type_of
from tag_compliance.simulator.credentials import Caller
from tag_compliance.simulator.explorer_index import SimulatedIndex, SimulatedView
from tag_compliance.simulator.organization import Account, Organization
from tag_compliance.simulator.pages import Page, PageToken
from tag_compliance.simulator.protocols import RestJsonProtocol
from tag_compliance.simulator.tagging import RateLimit
from tag_compliance.simulator.wire import AwsError, Call, Request, Response

_PARAMETERS = {
    "GetIndex": set[str](),
    "GetDefaultView": set[str](),
    "GetView": {"ViewArn"},
    "ListViews": {"MaxResults", "NextToken"},
    "ListResources": {"Filters", "MaxResults", "NextToken", "ViewArn"},
}
_MAX_SIZES = {"ListViews": 50, "ListResources": 1_000}
_SIZE_WITHOUT_TOKEN = 1_000
"""With this page size AWS returns no token: API_ListResources.html, "MaxResults"."""

_REPORTED_AT = "2026-05-04T12:00:00Z"


class ExplorerService:
    """Resource Explorer of all accounts and regions."""

    name = "resource-explorer-2"
    protocol = RestJsonProtocol()

    def __init__(self, organization: Organization, calls_per_second: float | None = None) -> None:
        self._organization = organization
        self._rate_limit = RateLimit(calls_per_second) if calls_per_second else None

    def parse(self, request: Request, caller: Caller, region: str) -> Call:
        """The call of a request; raises `AwsError` if Resource Explorer has no such call."""
        operation, parameters = self.protocol.parse(request)
        if operation not in _PARAMETERS:
            raise AwsError(404, "UnknownOperationException", "")
        if unknown := parameters.keys() - _PARAMETERS[operation]:
            raise _invalid(f"not simulated: {', '.join(sorted(unknown))}")
        account_id = caller.account_id
        page = self._page(operation, parameters, account_id, region)
        return Call(self.name, operation, account_id, region, caller, parameters, page)

    def respond(self, call: Call) -> Response:
        """The result of a call; raises `AwsError`."""
        if self._rate_limit is not None and not self._rate_limit.admits(call):
            raise AwsError(429, "ThrottlingException", "Rate exceeded")
        account = self._organization.get(call.account_id) or Account(call.account_id)
        index = account.explorer.get(call.region)
        result = _Region(account, call.region, index).result_of(call)
        return self.protocol.response(json.dumps(result).encode())

    def _page(
        self, operation: str, parameters: Mapping[str, Any], account_id: str, region: str
    ) -> Page[Sequence[str]] | None:
        """The page of a call that has pages; its items are filled in when it is rendered."""
        if operation not in _MAX_SIZES:
            return None
        size = parameters.get("MaxResults", _MAX_SIZES[operation])
        if not isinstance(size, int) or not 1 <= size <= _MAX_SIZES[operation]:
            raise _invalid(f"MaxResults must be between 1 and {_MAX_SIZES[operation]}, not {size}")
        token = PageToken(account_id, f"{operation} {region}")
        if text := parameters.get("NextToken"):
            try:
                given = PageToken.decode(str(text))
            except (TypeError, ValueError):
                raise _invalid("NextToken is not valid") from None
            if (given.account_id, given.scope) != (token.account_id, token.scope):
                raise _invalid("NextToken belongs to another list")
            token = given
        account = self._organization.get(account_id) or Account(account_id)
        index = account.explorer.get(region)
        items = _Region(account, region, index).items_of(operation, parameters)
        return Page(items, token, size)


class _Region:
    """One region of an account, with its index if there is one."""

    def __init__(self, account: Account, region: str, index: SimulatedIndex | None) -> None:
        self._account = account
        self._region = region
        self._index = index
        self._views = {self._arn(view): view for view in index.views} if index else {}

    def _arn(self, view: SimulatedView | SimulatedIndex) -> str:
        return view.arn(self._account.partition, self._account.account_id, self._region)

    def items_of(self, operation: str, parameters: Mapping[str, Any]) -> Sequence[str]:
        """All items of the list of which a call reads a page: the ARNs of views or resources."""
        if operation == "ListViews":
            return [*self._views]
        view = self._views.get(parameters.get("ViewArn", ""))
        return [*self._found(view, _query(parameters))] if view and self._index else []

    def result_of(self, call: Call) -> dict[str, Any]:
        match call.operation:
            case "GetIndex":
                return self._get_index()
            case "GetDefaultView":
                return self._get_default_view()
            case "GetView":
                return {"View": self._describe(self._view_of(call))}
            case "ListViews":
                return self._list_views(call)
            case _:
                return self._list_resources(call)

    def _get_index(self) -> dict[str, Any]:
        if self._index is None:
            raise AwsError(404, "ResourceNotFoundException", "There is no index in this region.")
        return {
            "Arn": self._arn(self._index),
            "Type": "LOCAL",
            "State": self._index.state,
            "ReplicatingFrom": [],
            "ReplicatingTo": [],
            "CreatedAt": _REPORTED_AT,
            "LastUpdatedAt": _REPORTED_AT,
            "Tags": {},
        }

    def _get_default_view(self) -> dict[str, Any]:
        name = self._index.default if self._index else None
        found = [arn for arn, view in self._views.items() if view.name == name]
        return {"ViewArn": found[0]} if found else {}

    def _view_of(self, call: Call) -> SimulatedView:
        """AWS does not say whether a view does not exist or belongs to somebody else."""
        arn = str(call.parameters.get("ViewArn", ""))
        view = self._views.get(arn)
        if view is None:
            raise AwsError(401, "UnauthorizedException", f"You may not use the view {arn}")
        return view

    def _describe(self, view: SimulatedView) -> dict[str, Any]:
        account = self._account
        return {
            "ViewArn": self._arn(view),
            "ViewName": view.name,
            "Owner": account.account_id,
            "Scope": view.scope or f"arn:{account.partition}:iam::{account.account_id}:root",
            "IncludedProperties": [{"Name": "tags"}] if view.includes_tags else [],
            "Filters": {"FilterString": view.filter_string},
            "LastUpdatedAt": _REPORTED_AT,
        }

    def _list_views(self, call: Call) -> dict[str, Any]:
        """The first page is empty and carries a token, as AWS's first page may."""
        page = _page_of(call)
        if page.token.number == 0 and page.items:
            second = PageToken(page.token.account_id, page.token.scope, 0, 1)
            return {"Views": [], "NextToken": second.encode()}
        token = {} if page.is_last else {"NextToken": page.next_token().encode()}
        return {"Views": page.items[page.start : page.stop], **token}

    def _list_resources(self, call: Call) -> dict[str, Any]:
        page = _page_of(call)
        if self._index is None and page.token.number:
            # While an index disappears, AWS returns fewer resources, without an error.
            return {"Resources": []}
        view = self._view_of(call)
        if not view.includes_tags and "tag:" in " ".join(_query(call.parameters)):
            raise _invalid("The view does not include tags.")
        result: dict[str, Any] = {
            "Resources": [self._resource(arn) for arn in page.items[page.start : page.stop]],
            "ViewArn": self._arn(view),
        }
        if not page.is_last and page.size != _SIZE_WITHOUT_TOKEN:
            result["NextToken"] = page.next_token().encode()
        return result

    def _resource(self, arn: str) -> dict[str, Any]:
        return {
            "Arn": arn,
            "OwningAccountId": self._account.account_id,
            "Region": self._region_of(arn),
            "ResourceType": type_of(arn),
            "Service": type_of(arn).partition(":")[0],
            "LastReportedAt": _REPORTED_AT,
            "Properties": [],
        }

    def _found(self, view: SimulatedView, query: Sequence[str]) -> Iterator[str]:
        for arn in self._untagged():
            service = type_of(arn).partition(":")[0]
            filters = [*query, *view.filter_string.split()]
            if all(_matches(condition, service, self._region_of(arn)) for condition in filters):
                yield arn

    def _region_of(self, arn: str) -> str:
        """The region of a bucket, which its ARN does not name, is known; other ARNs without one are
        those of global resources.
        """
        parts = arn.split(":", 4)
        is_bucket = type_of(arn) == "s3:bucket"
        named = parts[3] if len(parts) > 3 else ""  # noqa: PLR2004
        return named or (self._region if is_bucket else "global")

    def _untagged(self) -> Iterator[str]:
        """Resources without tags: also those that lost them, and those of the native sources."""
        account, region = self._account, self._region
        listed = [
            *account.never_tagged.get(region, ()),
            *(resource for resource in account.resources(region) if not resource.tags),
            *account.auto_scaling_groups.get(region, ()),
            *(account.roles_and_users if region == "us-east-1" else ()),
        ]
        yield from (resource.arn for resource in listed if not resource.tags)
        yield from self._index.deleted if self._index else ()


def _page_of(call: Call) -> Page[Any]:
    if call.page is None:
        raise TypeError("this call has a page")
    return call.page


def _query(parameters: Mapping[str, Any]) -> list[str]:
    filters = parameters.get("Filters")
    return str(filters.get("FilterString", "")).split() if isinstance(filters, dict) else []


def _matches(condition: str, service: str, region: str) -> bool:
    """A client whose condition had no effect would look correct."""
    name, _, value = condition.partition(":")
    match name:
        case "region":
            return region in value.split(",")
        case "service":
            return service in value.split(",")
        case "-service":
            return service not in value.split(",")
        case _ if condition in {"resourcetype.supports:tags", "tag:none"}:
            return True
        case _:
            raise _invalid(f"not simulated: {condition}")


def _invalid(message: str) -> AwsError:
    return AwsError(400, "ValidationException", message)
