"""AWS Organizations: accounts, units, the tags of accounts, and their effective tag policies.

https://docs.aws.amazon.com/organizations/latest/APIReference/
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tag_compliance.simulator.credentials import Caller
from tag_compliance.simulator.organization import ORGANIZATION_ID, ROOT_ID, Account, Organization
from tag_compliance.simulator.protocols import JsonProtocol
from tag_compliance.simulator.wire import AwsError, Call, Request, Response

_TARGET = "AWSOrganizationsV20161128."
_MOST_PER_PAGE = 20
_EMPTY_PAGE = 1
"""The number of the page that is empty if there is more than one: AWS may return such pages."""

_PARAMETERS = {
    "DescribeEffectivePolicy": frozenset({"PolicyType", "TargetId"}),
    "DescribeOrganization": frozenset[str](),
    "ListAccounts": frozenset({"MaxResults", "NextToken"}),
    "ListRoots": frozenset({"MaxResults", "NextToken"}),
    "ListOrganizationalUnitsForParent": frozenset({"MaxResults", "NextToken", "ParentId"}),
    "ListTagsForResource": frozenset({"NextToken", "ResourceId"}),
}

_Json = dict[str, Any]

_STATUS = {"CLOSED": "SUSPENDED", "PENDING_ACTIVATION": "ACTIVE"}
"""The field `Status`, which the field `State` replaces, has fewer values."""


class OrganizationsService:
    """The calls of the management account and of delegated administrators. Any account may ask for
    its own effective policy.
    """

    name = "organizations"
    protocol = JsonProtocol()

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._responses: Mapping[str, Callable[[Call], _Json]] = {
            "DescribeEffectivePolicy": self._describe_effective_policy,
            "DescribeOrganization": self._describe,
            "ListAccounts": self._list_accounts,
            "ListRoots": self._list_roots,
            "ListOrganizationalUnitsForParent": self._list_units,
            "ListTagsForResource": self._list_tags,
        }

    def parse(self, request: Request, caller: Caller, region: str) -> Call:
        """The call of a request; raises `AwsError` if it is not simulated."""
        target, parameters = self.protocol.parse(request)
        operation = target.removeprefix(_TARGET)
        if operation not in _PARAMETERS:
            raise AwsError(400, "UnknownOperationException", "")
        if unknown := parameters.keys() - _PARAMETERS[operation]:
            raise _invalid(f"not simulated: {', '.join(sorted(unknown))}")
        return Call(self.name, operation, caller.account_id, region, caller, parameters)

    def respond(self, call: Call) -> Response:
        """The response to a call; raises `AwsError` if AWS refuses it."""
        organization = self._organization
        trusted = {organization.management_account_id, *organization.administrators}
        if call.operation == "DescribeEffectivePolicy" and "TargetId" not in call.parameters:
            trusted.add(call.caller.account_id)
        if call.caller.account_id not in trusted:
            message = (
                f"User: {call.caller.arn} is not authorized to perform: "
                f"organizations:{call.operation} on resource: * because no identity-based policy "
                f"allows the organizations:{call.operation} action"
            )
            raise AwsError(400, "AccessDeniedException", message)
        body = json.dumps(self._responses[call.operation](call)).encode()
        return self.protocol.response(body)

    def _describe(self, _call: Call) -> _Json:
        management = self._organization.management_account_id
        arn = f"arn:aws:organizations::{management}:organization/{ORGANIZATION_ID}"
        return {
            "Organization": {
                "Id": ORGANIZATION_ID,
                "Arn": arn,
                "FeatureSet": "ALL",
                "MasterAccountId": management,
            }
        }

    def _describe_effective_policy(self, call: Call) -> _Json:
        if call.parameters.get("PolicyType") != "TAG_POLICY":
            raise _invalid("not simulated: other policies than TAG_POLICY")
        account_id = str(call.parameters.get("TargetId", call.caller.account_id))
        account = self._organization.get(account_id)
        if account is None or account.tag_policy is None:
            message = f"No effective policy of type TAG_POLICY exists for the target {account_id}."
            raise AwsError(400, "EffectivePolicyNotFoundException", message)
        return {
            "EffectivePolicy": {
                "PolicyContent": json.dumps(account.tag_policy),
                "LastUpdatedTimestamp": 1700000000.0,
                "TargetId": account_id,
                "PolicyType": "TAG_POLICY",
            }
        }

    def _list_accounts(self, call: Call) -> _Json:
        accounts = [self._account(account) for account in self._organization]
        return _page(call, "Accounts", accounts)

    def _account(self, account: Account) -> _Json:
        management = self._organization.management_account_id
        return {
            "Id": account.account_id,
            "Arn": f"arn:aws:organizations::{management}:account/{ORGANIZATION_ID}/"
            f"{account.account_id}",
            "Email": f"aws+{account.account_id}@example.com",
            "Name": account.name or account.account_id,
            "Status": _STATUS.get(account.state, account.state),
            "State": account.state,
            "Paths": [self._organization.path(account)],
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": 1700000000.0,
        }

    def _list_roots(self, call: Call) -> _Json:
        management = self._organization.management_account_id
        arn = f"arn:aws:organizations::{management}:root/{ORGANIZATION_ID}/{ROOT_ID}"
        return _page(call, "Roots", [{"Id": ROOT_ID, "Arn": arn, "Name": "Root"}])

    def _list_units(self, call: Call) -> _Json:
        parent_id, units = call.parameters.get("ParentId"), self._organization.units
        if parent_id != ROOT_ID and parent_id not in units:
            message = "You specified parent that doesn't exist."
            raise AwsError(400, "ParentNotFoundException", message)
        management = self._organization.management_account_id
        below = [
            {
                "Id": unit.unit_id,
                "Arn": f"arn:aws:organizations::{management}:ou/{ORGANIZATION_ID}/{unit.unit_id}",
                "Name": unit.name,
            }
            for unit in units.values()
            if unit.parent_id == parent_id
        ]
        return _page(call, "OrganizationalUnits", below)

    def _list_tags(self, call: Call) -> _Json:
        account = self._organization.get(str(call.parameters.get("ResourceId")))
        if account is None:
            raise AwsError(
                400, "TargetNotFoundException", "You specified a target that isn't there"
            )
        tags = [{"Key": key, "Value": value} for key, value in account.account_tags.items()]
        return _page(call, "Tags", tags)


def _page(call: Call, name: str, entries: Sequence[_Json]) -> _Json:
    """The page of a call. If there are several, the second one is empty and has a token."""
    size = call.parameters.get("MaxResults", _MOST_PER_PAGE)
    if not isinstance(size, int) or not 1 <= size <= _MOST_PER_PAGE:
        raise _invalid(f"MaxResults must be between 1 and {_MOST_PER_PAGE}, not {size}")
    start, number = _position(call.parameters.get("NextToken"), call.operation)
    stop = start if number == _EMPTY_PAGE else start + size
    page: _Json = {name: list(entries[start:stop])}
    if stop < len(entries):
        position = json.dumps([call.operation, stop, number + 1])
        page["NextToken"] = base64.urlsafe_b64encode(position.encode()).decode()
    return page


def _position(token: object, operation: str) -> tuple[int, int]:
    """Where a page starts, and its number."""
    if not token:
        return 0, 0
    try:
        of_operation, start, number = json.loads(base64.urlsafe_b64decode(str(token)))
    except (TypeError, ValueError):
        raise _invalid("You specified an invalid value for nextToken.") from None
    if of_operation != operation:
        raise _invalid("You specified an invalid value for nextToken.")
    return int(start), int(number)


def _invalid(message: str) -> AwsError:
    return AwsError(400, "InvalidInputException", message)
