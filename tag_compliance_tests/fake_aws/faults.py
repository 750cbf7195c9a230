"""The faults that can be injected, and what each of them changes."""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from itertools import chain, repeat
from typing import Any

from tag_compliance.simulator.autoscaling import AutoScalingService
from tag_compliance.simulator.ec2 import Ec2Service
from tag_compliance.simulator.iam import IamService
from tag_compliance.simulator.organizations import OrganizationsService
from tag_compliance.simulator.pages import Page
from tag_compliance.simulator.resource_explorer import ExplorerService
from tag_compliance.simulator.sts import StsService
from tag_compliance.simulator.tagging import TaggingService
from tag_compliance.simulator.wire import AwsError, Call, Delivery, Request, Response

Json = dict[str, Any]
Damage = Callable[[Json, Page[Any]], object]


class Fault(StrEnum):
    # AWS returns an error.
    THROTTLED = "throttled"
    THROTTLING_EXCEPTION = "throttling_exception"
    ACCESS_DENIED = "access_denied"
    SCP_DENIED = "scp_denied"
    REGION_DISABLED = "region_disabled"
    EXPIRED_TOKEN = "expired_token"
    INTERNAL = "internal"
    NO_ORGANIZATION = "no_organization"
    PAGINATION_TOKEN_EXPIRED = "pagination_token_expired"
    QUOTED_REQUEST = "quoted_request"
    NO_SUCH_ENTITY = "no_such_entity"

    # Something between the client and AWS fails.
    HTTP_503 = "http_503"
    HTTP_503_HTML = "http_503_html"
    NOT_JSON = "not_json"
    TRUNCATED_BODY = "truncated_body"
    CUT_CONNECTION = "cut_connection"
    SLOW = "slow"
    HANG = "hang"
    DRIP_HEAD = "drip_head"
    DRIP_BODY = "drip_body"
    CONTINUES = "continues"
    ENDLESS_HEADERS = "endless_headers"
    ENDLESS_BODY = "endless_body"

    # Pages that are valid, but rare.
    EMPTY_PAGE = "empty_page"
    MISSING_TOKEN = "missing_token"
    ONLY_STATUS = "only_status"
    EXTRA_FIELDS = "extra_fields"

    # Pages that break the contract.
    REPEAT_TOKEN = "repeat_token"
    ENDLESS = "endless"
    MISSING_LIST = "missing_list"
    EMPTY_LIST = "empty_list"
    MISSING_PATHS = "missing_paths"
    MISSING_ARN = "missing_arn"
    MISSING_TAGS = "missing_tags"
    WRONG_LIST_TYPE = "wrong_list_type"
    WRONG_ARN_TYPE = "wrong_arn_type"
    WRONG_TAGS_TYPE = "wrong_tags_type"
    FOREIGN_ACCOUNT = "foreign_account"
    FOREIGN_REGION = "foreign_region"
    UNPARSABLE_ARN = "unparsable_arn"
    TRUNCATED_WITHOUT_TOKEN = "truncated_without_token"


_HTML = b"<html><body><h1>Service Unavailable</h1></body></html>"
FOREIGN_RESPONSES: Mapping[Fault, Response] = {
    Fault.HTTP_503: Response(503, "text/plain", b""),
    Fault.HTTP_503_HTML: Response(503, "text/html", _HTML),
    Fault.NOT_JSON: Response(200, "text/html", _HTML),
}
DELIVERIES: Mapping[Fault, Delivery] = {
    Fault.TRUNCATED_BODY: Delivery.TRUNCATED,
    Fault.CUT_CONNECTION: Delivery.CLOSED,
    Fault.HANG: Delivery.NEVER,
}


def _bytes_of(data: bytes) -> Iterator[bytes]:
    return (data[number : number + 1] for number in range(len(data)))


def _head_without_length(response: Response) -> bytes:
    return response.head().replace(b"Content-Length", b"X-Length")


PIECES: Mapping[Fault, Callable[[Response], Iterator[bytes]]] = {
    Fault.DRIP_HEAD: lambda response: chain(_bytes_of(response.head()[:-4]), repeat(b"0")),
    Fault.DRIP_BODY: lambda response: chain(
        [_head_without_length(response)], _bytes_of(response.body[:-1]), repeat(b" ")
    ),
    Fault.CONTINUES: lambda _: repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    Fault.ENDLESS_HEADERS: lambda response: chain(
        [response.head()[:-2]], repeat(b"x-header: 1\r\n")
    ),
    Fault.ENDLESS_BODY: lambda response: chain(
        [_head_without_length(response)], repeat(b" " * 9_000_000)
    ),
}
"""What a server sends, piece by piece, that never completes its response."""


def _empty(body: Json, page: Page[Any]) -> None:
    """A page without resources; the next one has those that this one would have had."""
    token = replace(page.token, number=page.token.number + 1)
    body.update(PaginationToken=token.encode(), ResourceTagMappingList=[])


def _remove_empty_token(body: Json, page: Page[Any]) -> None:
    if not body["PaginationToken"]:
        del body["PaginationToken"]


def _add_fields(body: Json, page: Page[Any]) -> None:
    body["NextMarker"] = None
    body["Summary"] = {"Resources": len(body["ResourceTagMappingList"])}
    for mapping in body["ResourceTagMappingList"]:
        mapping["LastSeen"] = 1735689600.5
        for tag in mapping["Tags"]:
            tag["Propagated"] = True


def _each(change: Callable[[Json], object]) -> Damage:
    """Changes each resource of the page."""
    return lambda body, page: [change(mapping) for mapping in body["ResourceTagMappingList"]]


def _of_another_account(mapping: Json) -> None:
    arn = mapping["ResourceARN"].split(":", 5)
    mapping["ResourceARN"] = ":".join([*arn[:4], "999999999999", arn[5]])


DAMAGES: Mapping[Fault, Damage] = {
    Fault.EMPTY_PAGE: _empty,
    Fault.REPEAT_TOKEN: lambda body, page: body.update(PaginationToken=page.token.encode()),
    Fault.ENDLESS: lambda body, page: body.update(PaginationToken=page.next_token().encode()),
    Fault.MISSING_TOKEN: _remove_empty_token,
    Fault.MISSING_LIST: lambda body, page: body.pop("ResourceTagMappingList"),
    Fault.MISSING_ARN: _each(lambda mapping: mapping.pop("ResourceARN")),
    Fault.MISSING_TAGS: _each(lambda mapping: mapping.pop("Tags")),
    Fault.UNPARSABLE_ARN: _each(lambda mapping: mapping.update(ResourceARN="not an ARN")),
    Fault.FOREIGN_ACCOUNT: _each(_of_another_account),
    Fault.WRONG_LIST_TYPE: lambda body, page: body.update(ResourceTagMappingList="none"),
    Fault.WRONG_ARN_TYPE: _each(lambda mapping: mapping.update(ResourceARN=12)),
    Fault.WRONG_TAGS_TYPE: _each(lambda mapping: mapping.update(Tags="none")),
    Fault.EXTRA_FIELDS: _add_fields,
}
"""How faults change a page of GetResources."""

_FIRST_PAGE = base64.urlsafe_b64encode(b'["ListAccounts", 0, 0]').decode()
LIST_DAMAGES: Mapping[Fault, Callable[[Json, Mapping[str, object]], object]] = {
    Fault.REPEAT_TOKEN: lambda body, asked: body.update(NextToken=_FIRST_PAGE),
    Fault.MISSING_LIST: lambda body, asked: body.clear(),
    Fault.EMPTY_LIST: lambda body, asked: body.update({name: [] for name in body}),
    Fault.MISSING_PATHS: lambda body, asked: [entry.pop("Paths") for entry in body["Accounts"]],
    Fault.ONLY_STATUS: lambda body, asked: [entry.pop("State") for entry in body["Accounts"]],
}
"""How faults change a page of AWS Organizations, by the parameters of the call."""

# The errors of the query protocol and of the tagging API: status, code and message of AWS.
_Wording = tuple[int, str, str]

_DENIED = "User: {caller} is not authorized to perform: {action}{resource}"
_SCP = " with an explicit deny in a service control policy"
_QUERY: Mapping[Fault, _Wording] = {
    Fault.THROTTLED: (400, "Throttling", "Rate exceeded"),
    Fault.THROTTLING_EXCEPTION: (400, "ThrottlingException", "Rate exceeded"),
    Fault.ACCESS_DENIED: (403, "AccessDenied", _DENIED),
    Fault.SCP_DENIED: (403, "AccessDenied", _DENIED + _SCP),
    Fault.REGION_DISABLED: StsService.protocol.invalid_credentials,
    Fault.EXPIRED_TOKEN: StsService.protocol.expired_credentials,
    Fault.INTERNAL: (500, "InternalFailure", "An internal error has occurred"),
    Fault.NO_SUCH_ENTITY: (404, "NoSuchEntity", "The role with name r cannot be found."),
}
_TAGGING: Mapping[Fault, _Wording] = {
    Fault.THROTTLED: (400, "ThrottledException", "Rate exceeded"),
    Fault.THROTTLING_EXCEPTION: (400, "ThrottlingException", "Rate exceeded"),
    Fault.ACCESS_DENIED: (
        400,
        "AccessDeniedException",
        _DENIED + " because no identity-based policy allows the {action} action",
    ),
    Fault.SCP_DENIED: (400, "AccessDeniedException", _DENIED + _SCP),
    Fault.REGION_DISABLED: TaggingService.protocol.invalid_credentials,
    Fault.EXPIRED_TOKEN: TaggingService.protocol.expired_credentials,
    Fault.INTERNAL: (500, "InternalServiceException", "Internal service error"),
    Fault.PAGINATION_TOKEN_EXPIRED: (
        400,
        "PaginationTokenExpiredException",
        "The pagination token has expired",
    ),
}
_ORGANIZATIONS: Mapping[Fault, _Wording] = {
    **_TAGGING,
    Fault.THROTTLED: (400, "TooManyRequestsException", "You have sent too many requests"),
    Fault.NO_ORGANIZATION: (
        400,
        "AWSOrganizationsNotInUseException",
        "Your account is not a member of an organization.",
    ),
    Fault.INTERNAL: (500, "ServiceException", "AWS Organizations can't complete your request"),
}
_EC2: Mapping[Fault, _Wording] = {
    Fault.THROTTLED: (503, "RequestLimitExceeded", "Request limit exceeded."),
    Fault.THROTTLING_EXCEPTION: (503, "RequestLimitExceeded", "Request limit exceeded."),
    Fault.ACCESS_DENIED: (
        403,
        "UnauthorizedOperation",
        "You are not authorized to perform this operation. " + _DENIED,
    ),
    Fault.SCP_DENIED: (403, "UnauthorizedOperation", _DENIED + _SCP),
    Fault.REGION_DISABLED: Ec2Service.protocol.invalid_credentials,
    Fault.EXPIRED_TOKEN: Ec2Service.protocol.expired_credentials,
    Fault.INTERNAL: (500, "InternalError", "An internal error has occurred"),
}
_EXPLORER: Mapping[Fault, _Wording] = {
    Fault.THROTTLED: (429, "ThrottlingException", "Rate exceeded"),
    Fault.THROTTLING_EXCEPTION: (429, "ThrottlingException", "Rate exceeded"),
    Fault.ACCESS_DENIED: (403, "AccessDeniedException", _DENIED),
    Fault.SCP_DENIED: (403, "AccessDeniedException", _DENIED + _SCP),
    Fault.REGION_DISABLED: ExplorerService.protocol.invalid_credentials,
    Fault.EXPIRED_TOKEN: ExplorerService.protocol.expired_credentials,
    Fault.INTERNAL: (500, "InternalServerException", "Internal service error"),
}
_WORDINGS: Mapping[str, Mapping[Fault, _Wording]] = {
    AutoScalingService.name: _QUERY,
    Ec2Service.name: _EC2,
    ExplorerService.name: _EXPLORER,
    IamService.name: _QUERY,
    OrganizationsService.name: _ORGANIZATIONS,
    StsService.name: _QUERY,
    TaggingService.name: _TAGGING,
}
_ACTION_PREFIX = {TaggingService.name: "tag"}


def refusal(fault: Fault, request: Request, call: Call) -> AwsError | None:
    """The error that AWS returns for this fault; None if the fault is not an error of AWS."""
    if fault is Fault.QUOTED_REQUEST:
        return _wrong_signature(request, call)
    wording = _WORDINGS[call.service].get(fault)
    if wording is None:
        return None
    status, code, message = wording
    role_arn = call.parameters.get("RoleArn")
    text = message.format(
        caller=call.caller.arn,
        action=f"{_ACTION_PREFIX.get(call.service, call.service)}:{call.operation}",
        resource=f" on resource: {role_arn}" if role_arn else "",
    )
    return AwsError(status, code, text)


def _wrong_signature(request: Request, call: Call) -> AwsError:
    """AWS quotes the text that it would have signed, which contains the session token."""
    headers = "\n".join(f"{name}:{value}" for name, value in sorted(request.headers.items()))
    message = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method.\n\n"
        f"The Canonical String for this request should have been\n'POST\n/\n\n{headers}\n'\n\n"
        "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n'\n"
    )
    is_tagging = call.service == TaggingService.name
    return AwsError(
        403, "InvalidSignatureException" if is_tagging else "SignatureDoesNotMatch", message
    )
