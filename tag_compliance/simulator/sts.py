"""The Security Token Service: AssumeRole and GetCallerIdentity.

https://docs.aws.amazon.com/STS/latest/APIReference/
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tag_compliance.simulator.credentials import Caller, CredentialStore
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.protocols import QueryProtocol, xml_elements
from tag_compliance.simulator.wire import AwsError, Call, Request, Response

_ROLE_ARN = re.compile(
    r"arn:(?P<partition>aws[\w-]*):iam::(?P<account_id>\d{12}):role/(?P<role>\S+)"
)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_DURATION_SECONDS = range(900, 43_201)
_MAX_CHAINED_SECONDS = 3600


class StsService:
    """STS of all accounts. A role that does not trust the caller is refused as AWS refuses it."""

    name = "sts"
    protocol = QueryProtocol("https://sts.amazonaws.com/doc/2011-06-15/")

    def __init__(self, organization: Organization, credentials: CredentialStore) -> None:
        self._organization = organization
        self._credentials = credentials

    def parse(self, request: Request, caller: Caller, region: str) -> Call:
        """The call of a request; raises `AwsError` if STS has no such call."""
        operation, parameters = self.protocol.parse(request)
        if operation not in {"AssumeRole", "GetCallerIdentity"}:
            raise AwsError(400, "InvalidAction", f"Could not find operation {operation}")
        account_id = caller.account_id
        if operation == "AssumeRole":
            account_id = _match_role(parameters)["account_id"]
        return Call(self.name, operation, account_id, region, caller, parameters)

    def respond(self, call: Call) -> Response:
        """The response to a call; raises `AwsError` if AWS refuses it."""
        if call.operation == "AssumeRole":
            return self._assume_role(call)
        caller = call.caller
        identity = {"Arn": caller.arn, "UserId": caller.user_id, "Account": caller.account_id}
        return self.protocol.response(call.operation, xml_elements(identity))

    def _assume_role(self, call: Call) -> Response:
        parameters = {name: str(value) for name, value in call.parameters.items()}
        role = _match_role(parameters)
        session_name = parameters.get("RoleSessionName", "")
        if _SESSION_NAME.fullmatch(session_name) is None:
            raise _invalid("roleSessionName", session_name, f"must match {_SESSION_NAME.pattern}")
        seconds = _duration_seconds(parameters, call.caller)
        account = self._organization.get(role["account_id"])
        if (
            account is None
            or account.partition != role["partition"]
            or not account.trusts(role["role"], parameters.get("ExternalId"))
        ):
            message = (
                f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole "
                f"on resource: {parameters['RoleArn']}"
            )
            raise AwsError(403, "AccessDenied", message)
        session = self._credentials.issue(
            partition=account.partition,
            account_id=account.account_id,
            role=role["role"],
            session_name=session_name,
            seconds=seconds,
        )
        user = {"AssumedRoleId": session.caller.user_id, "Arn": session.caller.arn}
        credentials = {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
            "Expiration": f"{session.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        }
        return self.protocol.response(
            call.operation,
            f"<AssumedRoleUser>{xml_elements(user)}</AssumedRoleUser>"
            f"<Credentials>{xml_elements(credentials)}</Credentials>",
        )


def _match_role(parameters: Mapping[str, str]) -> dict[str, str]:
    arn = parameters.get("RoleArn", "")
    match = _ROLE_ARN.fullmatch(arn)
    if match is None:
        raise AwsError(400, "ValidationError", f"{arn} is invalid")
    return match.groupdict()


def _duration_seconds(parameters: Mapping[str, str], caller: Caller) -> int:
    text = parameters.get("DurationSeconds", "3600")
    if not text.isdecimal() or int(text) not in _DURATION_SECONDS:
        raise _invalid("durationSeconds", text, "must be between 900 and 43200")
    if caller.is_assumed_role and int(text) > _MAX_CHAINED_SECONDS:
        message = (
            "The requested DurationSeconds exceeds the 1 hour session limit "
            "for roles assumed by role chaining"
        )
        raise AwsError(400, "ValidationError", message)
    return int(text)


def _invalid(name: str, value: str, rule: str) -> AwsError:
    message = (
        f"1 validation error detected: Value '{value}' at '{name}' "
        f"failed to satisfy constraint: Member {rule}"
    )
    return AwsError(400, "ValidationError", message)
