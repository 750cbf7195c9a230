"""Identity and Access Management: roles and users with their tags.

https://docs.aws.amazon.com/IAM/latest/APIReference/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tag_compliance.simulator.credentials import Caller
from tag_compliance.simulator.organization import Organization, SimulatedResource
from tag_compliance.simulator.pages import Page
from tag_compliance.simulator.protocols import (
    QueryProtocol,
    query_list,
    xml_elements,
    xml_list,
    xml_tags,
)
from tag_compliance.simulator.query_pages import Paging
from tag_compliance.simulator.wire import AwsError, Call, Request, Response

_PAGING = Paging("MaxItems", "Marker", 100, 1_000, invalid_token="ValidationError")  # noqa: S106
_KINDS = {"User": "UserDetailList", "Role": "RoleDetailList"}
"""The kinds that GetAccountAuthorizationDetails returns here, in AWS's order, and their lists."""

_OTHER_LISTS = ("GroupDetailList", "Policies")
_LISTS = {"ListRoles": ("Role", "Roles"), "ListUsers": ("User", "Users")}
_TAG_LISTS = {"ListRoleTags": "Role", "ListUserTags": "User"}
_PARAMETERS = frozenset({"Version", "Filter", "MaxItems", "Marker", "RoleName", "UserName"})
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
_ENCODED_POLICY = quote(json.dumps(_POLICY))
"""AWS returns policies in the encoding of URLs: RFC 3986."""


class IamService:
    """IAM of all accounts; the same in all regions."""

    name = "iam"
    protocol = QueryProtocol("https://iam.amazonaws.com/doc/2010-05-08/")

    def __init__(self, organization: Organization) -> None:
        self._organization = organization

    def parse(self, request: Request, caller: Caller, region: str) -> Call:
        """The call of a request; raises `AwsError` if IAM has no such call."""
        operation, parameters = self.protocol.parse(request)
        # A client whose filter had no effect would look correct.
        names = {name.partition(".")[0] for name in parameters}
        if unknown := names - _PARAMETERS:
            raise AwsError(400, "ValidationError", f"not simulated: {', '.join(sorted(unknown))}")
        items, scope = self._select(operation, parameters, caller.account_id)
        page: Page[Any] = _PAGING.page(items, parameters, caller.account_id, scope)
        return Call(self.name, operation, caller.account_id, region, caller, parameters, page)

    def respond(self, call: Call) -> Response:
        """The page of a call."""
        if call.page is None:
            raise TypeError("each of these calls has a page")
        items = call.page.items[call.page.start : call.page.stop]
        end = {"IsTruncated": str(not call.page.is_last).lower()}
        if not call.page.is_last:
            end["Marker"] = call.page.next_token().encode()
        return self.protocol.response(
            call.operation, f"{_render(call.operation, items)}{xml_elements(end)}"
        )

    def _select(
        self, operation: str, parameters: Mapping[str, str], account_id: str
    ) -> tuple[Sequence[object], str]:
        """All items of the list that a call reads a page of, and the scope of its tokens."""
        account = self._organization.get(account_id)
        found = account.roles_and_users if account else []
        if operation == "GetAccountAuthorizationDetails":
            wanted = query_list(parameters, "Filter") or [*_KINDS]
            ordered = [r for kind in _KINDS if kind in wanted for r in found if _kind(r) == kind]
            return ordered, f"{operation} {sorted(wanted)}"
        if operation in _LISTS:
            return [r for r in found if _kind(r) == _LISTS[operation][0]], operation
        if operation not in _TAG_LISTS:
            raise AwsError(400, "InvalidAction", f"Could not find operation {operation}")
        kind = _TAG_LISTS[operation]
        name = parameters.get(f"{kind}Name", "")
        for resource in found:
            if _kind(resource) == kind and _name(resource) == name:
                return xml_tags(resource.tags), f"{operation} {name}"
        raise AwsError(404, "NoSuchEntity", f"The {kind.lower()} with name {name} cannot be found.")


def _kind(resource: SimulatedResource) -> str:
    return resource.arn.split(":", 5)[5].partition("/")[0].capitalize()


def _name(resource: SimulatedResource) -> str:
    return resource.arn.rpartition("/")[2]


def _render(operation: str, items: Sequence[Any]) -> str:
    if operation in _TAG_LISTS:
        return f"<Tags>{xml_list(items)}</Tags>"
    if operation in _LISTS:
        _, name = _LISTS[operation]
        return _list_of(name, items, _common)
    lists = [
        _list_of(name, [item for item in items if _kind(item) == kind], _details)
        for kind, name in _KINDS.items()
    ]
    return "".join(lists) + "".join(f"<{name}/>" for name in _OTHER_LISTS)


def _list_of(
    name: str, items: Sequence[SimulatedResource], render: Callable[[SimulatedResource], str]
) -> str:
    return f"<{name}>{xml_list(map(render, items))}</{name}>"


def _common(resource: SimulatedResource) -> str:
    kind, resource_id = _kind(resource), resource.arn.split(":", 5)[5]
    path = resource_id.removeprefix(kind.lower()).removesuffix(_name(resource))
    prefix = "AROA" if kind == "Role" else "AIDA"
    elements = {
        "Path": path,
        f"{kind}Name": _name(resource),
        f"{kind}Id": f"{prefix}SIMULATED0000001",
        "Arn": resource.arn,
        "CreateDate": "2024-05-06T07:08:09Z",
    }
    policy = {"AssumeRolePolicyDocument": _ENCODED_POLICY} if kind == "Role" else {}
    return xml_elements(elements | policy)


def _details(resource: SimulatedResource) -> str:
    """With elements inside that describe other resources: they have ARNs and tags, too."""
    tags = f"<Tags>{xml_list(xml_tags(resource.tags))}</Tags><AttachedManagedPolicies/>"
    if _kind(resource) == "User":
        return f"{_common(resource)}<UserPolicyList/><GroupList/>{tags}"
    profile = xml_elements({"Arn": resource.arn.replace(":role/", ":instance-profile/")})
    profile += f"<Roles>{xml_list([_common(resource)])}</Roles><Tags/>"
    profiles = f"<InstanceProfileList>{xml_list([profile])}</InstanceProfileList>"
    return f"{_common(resource)}{profiles}<RolePolicyList/>{tags}"
