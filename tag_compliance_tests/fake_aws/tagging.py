"""The Resource Groups Tagging API: GetResources, in JSON 1.1."""

import json
import time
from collections.abc import Mapping

from tag_compliance_tests.fake_aws.calls import Call
from tag_compliance_tests.fake_aws.credentials import Caller
from tag_compliance_tests.fake_aws.faults import Fault
from tag_compliance_tests.fake_aws.organization import Organization
from tag_compliance_tests.fake_aws.pages import Page, PageToken
from tag_compliance_tests.fake_aws.refusals import tagging_refusal
from tag_compliance_tests.fake_aws.resources import ListedResources
from tag_compliance_tests.fake_aws.wire import Answer, AwsError, Request, json_answer, json_error

_TARGET = "ResourceGroupsTaggingAPI_20170126.GetResources"
_PARAMETERS = frozenset({"PaginationToken", "ResourcesPerPage"})
_PAGE_SIZES = range(1, 101)
_DEFAULT_PAGE_SIZE = 50


class TaggingApi:
    service = "tagging"

    def __init__(self, organization: Organization) -> None:
        self._organization = organization

    def read(self, request: Request, caller: Caller, region: str) -> Call:
        if request.headers.get("x-amz-target") != _TARGET:
            raise AwsError(400, "UnknownOperationException", "")
        parameters = _parse(request.body)
        page = self._page(parameters, caller.account_id, region)
        return Call(
            "GetResources", caller.account_id, region, caller, parameters, time.monotonic(), page
        )

    def perform(self, call: Call, fault: Fault | None) -> Answer:
        assert call.page is not None
        return json_answer(call.page.render(fault))

    refusal = staticmethod(tagging_refusal)
    refuse = staticmethod(json_error)

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


def _parse(body: bytes) -> Mapping[str, object]:
    try:
        parameters = json.loads(body)
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise AwsError(400, "SerializationException", "the body is not a JSON object")
    # A filter that was ignored in silence would make a wrong client look right.
    if unknown := parameters.keys() - _PARAMETERS:
        raise _invalid(f"not simulated: {', '.join(sorted(unknown))}")
    return parameters


def _decode(text: str) -> PageToken:
    try:
        return PageToken.decode(text)
    except ValueError:
        raise _invalid("PaginationToken is not valid") from None


def _invalid(message: str) -> AwsError:
    return AwsError(400, "InvalidParameterException", message)
