"""How to fix a failure: the permission to add, the trust policy or the setting to change."""

from __future__ import annotations

import json
import re

from tag_compliance.aws.iam import (
    Document,
    read_organization,
    read_regions_statement,
    read_statements,
    trust_statement,
)
from tag_compliance.aws.regions import known_regions
from tag_compliance.aws.targets import RoleStep, organization_steps
from tag_compliance.config import Config, IamTagsFrom
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.organization import Attempt
from tag_compliance.domain.read_status import Reason, Source

_CALLER = re.compile(r"User: (arn:[^\s]+)")
_SESSION = re.compile(r"^arn:([\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.+$")

_OF_STS = ("AssumeRole:", "GetCallerIdentity:")
_SKEWED = "RequestExpired"

_CREDENTIALS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"Signature expired|Signature not yet current",
        (
            "the clock of this machine differs by more than five minutes from AWS's clock;",
            "synchronize it, for example with: timedatectl set-ntp true",
        ),
    ),
    (
        r"profile \(.*\) could not be found",
        (
            "AWS_PROFILE names a profile that is in neither ~/.aws/config nor ~/.aws/credentials;",
            "correct the variable, or choose one of: aws configure list-profiles",
        ),
    ),
    (
        r"SSO|token from sso|aws login|login session",
        (
            "the session of this profile has expired or does not exist; log in again with:",
            "  aws sso login   (or aws login, if the profile has login_session)",
        ),
    ),
    (
        r"custom-process|credential_process",
        (
            "the command in credential_process of this profile fails; run it in a shell:",
            "it must exit with 0 and print the credentials as JSON",
        ),
    ),
    (
        r"web_identity_token_file",
        ("check that the file in AWS_WEB_IDENTITY_TOKEN_FILE is mounted and readable",),
    ),
    (
        r"Partial credentials",
        ("set both the access key id and the secret access key, or neither",),
    ),
    (
        r"InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId",
        (
            "AWS does not know the access key: it was deleted, deactivated or mistyped, belongs to",
            "another partition, or is temporary and lacks its AWS_SESSION_TOKEN;",
            "AWS_ACCESS_KEY_ID in the environment takes precedence over a default profile",
        ),
    ),
    (
        r"SignatureDoesNotMatch|InvalidSignature",
        (
            "the secret access key does not belong to the access key id: copy both again;",
            "if they are right, a proxy changes the requests",
        ),
    ),
    (
        r"MissingAuthenticationToken|IncompleteSignature",
        ("a proxy removes or changes the header Authorization of the requests",),
    ),
    (
        r"no AWS credentials were found",
        (
            "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; on EC2, ECS and EKS",
            "attach a role to the instance, the task or the service account",
        ),
    ),
)
"""What is wrong with the credentials: a pattern in the message, and the advice for it."""

_NETWORK = (
    "check the network, HTTPS_PROXY, AWS_ENDPOINT_URL and AWS_CA_BUNDLE, and that this",
    "machine can reach {host} or its VPC endpoint",
)
_HOSTS = {
    Source.TAGGING: "tagging.{region}.amazonaws.com",
    Source.RESOURCE_EXPLORER: "resource-explorer-2.{region}.api.aws",
    Source.IAM: "iam.amazonaws.com",
    Source.AUTOSCALING: "autoscaling.{region}.amazonaws.com",
}
"""The hosts of the sources in the partition `aws`."""

_ORGANIZATIONS = "organizations.us-east-1.amazonaws.com"
_OTHER_HOSTS = {
    "AssumeRole": "sts.{region}.amazonaws.com",
    "GetCallerIdentity": "sts.{region}.amazonaws.com",
    "DescribeRegions": "ec2.{region}.amazonaws.com",
    "ListAccounts": _ORGANIZATIONS,
    "ListOrganizationalUnitsForParent": _ORGANIZATIONS,
    "ListTagsForResource": _ORGANIZATIONS,
}
"""The hosts of operations that are not those of a source."""

_URL = re.compile(r"https?://([^\s/\"']+)")

_ADVICE: dict[Reason, tuple[str, ...]] = {
    Reason.SCP_DENIED: (
        "a service control policy denies {actions} in {region};",
        "exempt the role, or remove the region from the configuration",
    ),
    Reason.REGION_DISABLED: (
        "enable {region} for the account (account:EnableRegion),",
        "or remove it from the configuration",
    ),
    Reason.UNREACHABLE: _NETWORK,
    Reason.TIMEOUT: _NETWORK,
    Reason.THROTTLED: (
        "other programs call the same API in this account: call it less often in those programs",
    ),
    Reason.EXPIRED_TOKEN: ("check the clock of this machine, and session_duration",),
    Reason.NO_INDEX: (
        "create an index of Resource Explorer in {region}, for example with",
        "  aws resource-explorer-2 create-index --region {region}",
        "and a default view with tags; docs/coverage.md has a template for an organization",
    ),
    Reason.INDEX_BUILDING: (
        "wait: the first build of an index of Resource Explorer takes up to 36 hours",
    ),
    Reason.NO_VIEW: (
        "create a view in {region} with tags and without a filter, for example with",
        (
            "  aws resource-explorer-2 create-view --region {region} --view-name all-resources "
            "--included-properties Name=tags"
        ),
        "or correct resource_explorer_view",
    ),
    Reason.VIEW_WITHOUT_TAGS: (
        (
            "add tags to the view: aws resource-explorer-2 update-view --region {region} "
            "--view-arn <ARN> --included-properties Name=tags"
        ),
        "or name another view with resource_explorer_view",
    ),
    Reason.VIEW_FILTERED: (
        "the view has a filter or does not cover the account, so resources would be missing;",
        "create a view of the account with tags and without a filter, and name it with",
        "resource_explorer_view",
    ),
    Reason.UNSUPPORTED_REGION: ("Resource Explorer does not exist in {region}",),
    Reason.MALFORMED_RESPONSE: ("check whether a proxy changes the responses of AWS",),
}


_ADVICE_ON: dict[tuple[Reason, Source], tuple[str, ...]] = {
    (Reason.THROTTLED, Source.TAGGING): (
        "another program calls the tagging API in this account: lower calls_per_second",
    ),
}
"""Advice that only fits one source."""

_ALTERNATIVES = {
    Source.RESOURCE_EXPLORER: ("or set never_tagged to off: this permission is optional",),
    Source.IAM: (
        "or read IAM with other calls (iam_tags_from), or remove iam from more_sources:",
        "this permission is optional",
    ),
    Source.AUTOSCALING: ("or remove autoscaling from more_sources: this permission is optional",),
}
"""What to do without the permission of a source."""


def remediation_of(
    reason: Reason,
    message: str,
    steps: tuple[RoleStep, ...],
    region: RegionName,
    source: Source = Source.TAGGING,
) -> tuple[str, ...]:
    """Lines for a person, without indentation; none if only another attempt can help.

    `message` is the message of the read status of `source`, and `steps` are the account's roles.
    """
    match reason:
        case Reason.NO_CREDENTIALS:
            return _on_credentials(message)
        case Reason.EXPIRED_TOKEN if message.startswith(_OF_STS) and _SKEWED not in message:
            return ("the base credentials have expired: log in again, or renew them",)
        case Reason.ASSUME_ROLE_DENIED:
            return _on_assume_role(message, steps)
        case Reason.ACCESS_DENIED if steps:
            role = steps[-1].role_arn
            return (
                f"add to a policy of {role}:",
                *_permissions(source, message, region),
                *_ALTERNATIVES.get(source, ()),
            )
        case Reason.ACCESS_DENIED:
            return (
                "no role is configured for this account, so the base credentials are used;",
                "check that they belong to this account and that a policy allows:",
                *_permissions(source, message, region),
                *_ALTERNATIVES.get(source, ()),
            )
        case _:
            advice = _ADVICE_ON.get((reason, source), _ADVICE.get(reason, ()))
            needed = _statements_of(source, message, region)
            actions = " or ".join(action for statement in needed for action in statement["Action"])
            host = _host_of(source, message, region)
            names = {"region": region, "actions": actions, "host": host}
            return tuple(line.format(**names) for line in advice)


def organization_remedy(config: Config, attempt: Attempt) -> tuple[str, ...]:
    """The same for a failed attempt to read the organization."""
    reason, message, steps = attempt.reason, attempt.message, organization_steps(config)
    region = RegionName(config.regions[0])
    match reason:
        case Reason.ACCESS_DENIED if "DescribeRegions" in message:
            return (
                "add to a policy of the role of each account:",
                _statement(read_regions_statement()),
            )
        case Reason.ACCESS_DENIED:
            role = steps[-1].role_arn if steps else "the principal of the base credentials"
            missing = [s for s in read_organization(config) if s["Action"][0] in message]
            return (
                f"{role} must be in the management account or in a delegated administrator's;",
                "add to a policy of it:",
                *map(_statement, missing or read_organization(config)),
            )
        case Reason.NO_ORGANIZATION:
            return (
                "the account that is asked is in no organization: set organization.role_arn to a",
                "role in the management account, or remove the key organization",
            )
        case Reason.LIST_REJECTED | Reason.OK:
            return ()
        case Reason.SCP_DENIED:
            return ("a service control policy denies the call; exempt the role",)
        case _:
            return remediation_of(reason, message, steps, region)


def _host_of(source: Source, message: str, region: RegionName) -> str:
    """The host that did not respond: the one in the message, or that of its operation."""
    if url := _URL.search(message):
        return url.group(1)
    operation = message.partition(":")[0]
    return _OTHER_HOSTS.get(operation, _HOSTS[source]).format(region=region)


def _on_credentials(message: str) -> tuple[str, ...]:
    for pattern, advice in _CREDENTIALS:
        if re.search(pattern, message):
            return advice
    return ("check the base credentials, for example with: aws sts get-caller-identity",)


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


def _permissions(source: Source, message: str, region: RegionName) -> list[str]:
    """The statements without names, which must be unique in a policy."""
    return [
        _statement({key: value for key, value in statement.items() if key != "Sid"})
        for statement in _statements_of(source, message, region)
    ]


def _statements_of(source: Source, message: str, region: RegionName) -> list[Document]:
    """A message begins with the operation that failed, which shows how IAM is read."""
    by_details = "GetAccountAuthorizationDetails" in message
    tags_from = IamTagsFrom.ACCOUNT_DETAILS if by_details else IamTagsFrom.LIST_TAGS
    return read_statements(source, tags_from, known_regions().get(region, "aws"))


def _statement(statement: Document) -> str:
    return f"  {json.dumps(statement)}"
