"""The Resource Groups Tagging API: GetResources and ListRequiredTags.

https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
and API_ListRequiredTags.html there
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tag_compliance.simulator.credentials import Caller
from tag_compliance.simulator.organization import ListedResources, Organization, Resources
from tag_compliance.simulator.pages import Page, PageToken
from tag_compliance.simulator.protocols import JsonProtocol
from tag_compliance.simulator.wire import AwsError, Call, Request, Response

_TARGET = "ResourceGroupsTaggingAPI_20170126."
_GET, _REQUIRED = "GetResources", "ListRequiredTags"
_PARAMETERS = {
    _GET: frozenset({"PaginationToken", "ResourcesPerPage"}),
    _REQUIRED: frozenset({"MaxResults", "NextToken"}),
}
_MOST_REQUIRED_TAGS = 200
_PAGE_SIZES = range(1, 101)
_DEFAULT_PAGE_SIZE = 50


class RateLimit:
    """The rate of calls that AWS allows: a token bucket for each account and region.

    It holds the calls of one second.
    """

    def __init__(self, calls_per_second: float) -> None:
        self._calls_per_second = calls_per_second
        self._burst = max(1.0, calls_per_second)
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def admits(self, call: Call) -> bool:
        """Count a call; False if AWS would throttle it."""
        key = (call.account_id, call.region)
        tokens, since = self._buckets.get(key, (self._burst, call.at))
        tokens = min(self._burst, tokens + (call.at - since) * self._calls_per_second)
        is_admitted = tokens >= 1
        self._buckets[key] = (tokens - 1 if is_admitted else tokens, call.at)
        return is_admitted


class TaggingService:
    """GetResources of all accounts and regions, without filters, and ListRequiredTags."""

    name = "tagging"
    protocol = JsonProtocol()

    def __init__(self, organization: Organization, calls_per_second: float | None = None) -> None:
        self._organization = organization
        self._rate_limit = RateLimit(calls_per_second) if calls_per_second else None

    def parse(self, request: Request, caller: Caller, region: str) -> Call:
        """The call of a request; raises `AwsError` if it is not simulated."""
        target, parameters = self.protocol.parse(request)
        operation, account_id = target.removeprefix(_TARGET), caller.account_id
        if operation not in _PARAMETERS:
            raise AwsError(400, "UnknownOperationException", "")
        # A client whose filter had no effect would look correct.
        if unknown := parameters.keys() - _PARAMETERS[operation]:
            raise _invalid(f"not simulated: {', '.join(sorted(unknown))}")
        if operation == _REQUIRED:
            return Call(self.name, _REQUIRED, account_id, region, caller, parameters)
        page = self._page(parameters, account_id, region)
        return Call(self.name, _GET, account_id, region, caller, parameters, page)

    def respond(self, call: Call) -> Response:
        """The page of a call; raises `AwsError` if the rate is exceeded."""
        if self._rate_limit is not None and not self._rate_limit.admits(call):
            raise AwsError(400, "ThrottledException", "Rate exceeded")
        if call.page is None:
            return self.protocol.response(self._required_tags(call))
        return self.protocol.response(_render(call.page))

    def _required_tags(self, call: Call) -> bytes:
        size = call.parameters.get("MaxResults", _MOST_REQUIRED_TAGS)
        if not isinstance(size, int) or not 1 <= size <= _MOST_REQUIRED_TAGS:
            raise _invalid(f"MaxResults must be between 1 and {_MOST_REQUIRED_TAGS}, not {size}")
        token = str(call.parameters.get("NextToken") or 0)
        account = self._organization.get(call.account_id)
        entries = [
            {"ResourceType": resource_type, "ReportingTagKeys": keys}
            for resource_type, keys in (account.required_tags if account else {}).items()
        ]
        if not token.isdecimal() or int(token) > len(entries):
            raise _invalid("NextToken is not valid")
        stop = int(token) + size
        body: dict[str, object] = {"RequiredTags": entries[int(token) : stop]}
        if stop < len(entries):
            body["NextToken"] = str(stop)
        return json.dumps(body).encode()

    def _page(
        self, parameters: Mapping[str, object], account_id: str, region: str
    ) -> Page[Resources]:
        size = parameters.get("ResourcesPerPage", _DEFAULT_PAGE_SIZE)
        if not isinstance(size, int) or size not in _PAGE_SIZES:
            raise _invalid(f"ResourcesPerPage must be between 1 and 100, not {size}")
        token = PageToken(account_id, region)
        if text := parameters.get("PaginationToken"):
            try:
                token = PageToken.decode(str(text))
            except (TypeError, ValueError):
                raise _invalid("PaginationToken is not valid") from None
            if (token.account_id, token.scope) != (account_id, region):
                raise _invalid("PaginationToken belongs to another account or region")
        account = self._organization.get(account_id)
        resources = account.resources(region) if account else ListedResources()
        return Page(resources, token, size)


def _render(page: Page[Resources]) -> bytes:
    """The body of a response; the token of the last page is empty."""
    token = b"" if page.is_last else page.next_token().encode().encode()
    resources = page.items.render(page.start, page.stop)
    return b'{"PaginationToken":"%b","ResourceTagMappingList":[%b]}' % (token, resources)


def _invalid(message: str) -> AwsError:
    return AwsError(400, "InvalidParameterException", message)
