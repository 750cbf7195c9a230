"""How to fix a failure: the permission to add, the trust policy or the setting to change."""

from __future__ import annotations

import json
import re

from tag_compliance.aws.iam import Document, trust_statement
from tag_compliance.aws.targets import RoleStep
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Reason

_CALLER = re.compile(r"User: (arn:[^\s]+)")
_SESSION = re.compile(r"^arn:([\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.+$")

_READ_TAGS = {"Effect": "Allow", "Action": "tag:GetResources", "Resource": "*"}


def remediation_of(  # noqa: PLR0911 - a table
    reason: Reason, message: str, steps: tuple[RoleStep, ...], region: RegionName
) -> tuple[str, ...]:
    """Lines for a person, without indentation; none if only another attempt can help.

    `message` is the message of the read status, and `steps` are the roles of the account.
    """
    match reason:
        case Reason.ASSUME_ROLE_DENIED:
            return _on_assume_role(message, steps)
        case Reason.ACCESS_DENIED if steps:
            role = steps[-1].role_arn
            return (f"add to a policy of {role}:", _statement(_READ_TAGS))
        case Reason.ACCESS_DENIED:
            return (
                "no role is configured for this account, so the base credentials are used;",
                "check that they belong to this account and that a policy allows:",
                _statement(_READ_TAGS),
            )
        case Reason.SCP_DENIED:
            return (
                f"a service control policy denies tag:GetResources in {region};",
                "exempt the role, or remove the region from the configuration",
            )
        case Reason.REGION_DISABLED:
            return (
                f"enable {region} for the account (account:EnableRegion),",
                "or remove it from the configuration",
            )
        case Reason.UNREACHABLE | Reason.TIMEOUT:
            return (
                "check the network, HTTPS_PROXY, AWS_ENDPOINT_URL and AWS_CA_BUNDLE, and that this",
                f"machine can reach tagging.{region}.amazonaws.com or its VPC endpoint",
            )
        case Reason.THROTTLED:
            return (
                "another program calls the tagging API in this account: lower calls_per_second",
            )
        case Reason.EXPIRED_TOKEN:
            return ("check the clock of this machine, and session_duration",)
        case Reason.MALFORMED_RESPONSE:
            return ("check whether a proxy changes the responses of AWS",)
        case _:
            return ()


def _on_assume_role(message: str, steps: tuple[RoleStep, ...]) -> tuple[str, ...]:
    step = next((step for step in steps if step.role_arn in message), steps[-1])
    principal = _principal_of(message)
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": step.role_arn}
    return (
        f"{step.role_arn} must exist, and its trust policy must contain:",
        _statement(trust_statement(principal, step.external_id)),
        f"and a policy of {principal} must contain:",
        _statement(allow),
    )


def _principal_of(message: str) -> str:
    """The denied principal; for a session it is the role, because policies name roles."""
    caller = _CALLER.search(message)
    if caller is None:
        return "the principal of the base credentials"
    session = _SESSION.match(caller.group(1))
    if session is None:
        return caller.group(1)
    partition, account_id, role = session.groups()
    return f"arn:{partition}:iam::{account_id}:role/{role}"


def _statement(statement: Document) -> str:
    return f"  {json.dumps(statement)}"
