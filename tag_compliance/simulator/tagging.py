"""The Resource Groups Tagging API: GetResources.

https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

from collections.abc import Mapping

from tag_compliance.simulator.aws_json import JsonProtocol
from tag_compliance.simulator.credentials import Caller
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.pages import Page, PageToken
from tag_compliance.simulator.rate_limit import RateLimit
from tag_compliance.simulator.resources import ListedResources
from tag_compliance.simulator.service import Call
from tag_compliance.simulator.wire import AwsError, Request, Response

_TARGET = "ResourceGroupsTaggingAPI_20170126.GetResources"
_PARAMETERS = frozenset({"PaginationToken", "ResourcesPerPage"})
_PAGE_SIZES = range(1, 101)
_DEFAULT_PAGE_SIZE = 50


class TaggingService:
    """GetResources of all accounts and regions, without filters."""

    name = "tagging"
    protocol = JsonProtocol()

    def __init__(self, organization: Organization, rate_limit: RateLimit | None = None) -> None:
        self._organization = organization
        self._rate_limit = rate_limit

    def parse(self, request: Request, caller: Caller, region: str) -> Call:
        """As in `Service`."""
        target, parameters = self.protocol.parse(request)
        if target != _TARGET:
            raise AwsError(400, "UnknownOperationException", "")
        # A client whose filter had no effect would look correct.
        if unknown := parameters.keys() - _PARAMETERS:
            raise _invalid(f"not simulated: {', '.join(sorted(unknown))}")
        account_id = caller.account_id
        page = self._page(parameters, account_id, region)
        return Call(self.name, "GetResources", account_id, region, caller, parameters, page)

    def respond(self, call: Call) -> Response:
        """As in `Service`."""
        if self._rate_limit is not None and not self._rate_limit.admits(call):
            raise AwsError(400, "ThrottledException", "Rate exceeded")
        if call.page is None:
            raise TypeError("a call of GetResources has a page")
        return self.protocol.response(call.page.render())

    def _page(self, parameters: Mapping[str, object], account_id: str, region: str) -> Page:
        size = parameters.get("ResourcesPerPage", _DEFAULT_PAGE_SIZE)
        if not isinstance(size, int) or size not in _PAGE_SIZES:
            raise _invalid(f"ResourcesPerPage must be between 1 and 100, not {size}")
        token = PageToken(account_id, region)
        if text := parameters.get("PaginationToken"):
            token = _decode(str(text))
            if (token.account_id, token.region) != (account_id, region):
                raise _invalid("PaginationToken belongs to another account or region")
        account = self._organization.get(account_id)
        resources = account.resources(region) if account else ListedResources()
        return Page(resources, token, size)


def _decode(text: str) -> PageToken:
    try:
        return PageToken.decode(text)
    except ValueError:
        raise _invalid("PaginationToken is not valid") from None


def _invalid(message: str) -> AwsError:
    return AwsError(400, "InvalidParameterException", message)
