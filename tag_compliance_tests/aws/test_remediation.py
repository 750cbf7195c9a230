"""Each failure that a person can fix has an instruction."""

from __future__ import annotations

import json
from typing import cast

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from tag_compliance.aws.errors import aws_error_of
from tag_compliance.aws.remediation import remediation_of
from tag_compliance.aws.targets import RoleStep
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Reason, Source

REGION = RegionName("eu-west-1")
HUB = RoleStep("arn:aws:iam::999999999999:role/hub", "tag-compliance", 3600)
MEMBER = RoleStep("arn:aws:iam::111111111111:role/terraform", "tag-compliance", 3600, "blue")


def statements(lines: tuple[str, ...]) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines if line.lstrip().startswith("{")]


def actions(lines: tuple[str, ...]) -> list[str]:
    """The actions of all statements."""
    return [a for s in statements(lines) for a in cast("list[str]", s["Action"])]


_WITH_OWN_REMEDIES = {
    Reason.ASSUME_ROLE_DENIED,
    Reason.NO_ORGANIZATION,
    Reason.LIST_REJECTED,
}


@pytest.mark.parametrize("steps", [(), (MEMBER,)])
@pytest.mark.parametrize("reason", [r for r in Reason if r not in _WITH_OWN_REMEDIES])
def test_only_failures_that_may_disappear_have_no_instruction(
    reason: Reason, steps: tuple[RoleStep, ...]
) -> None:
    lines = remediation_of(reason, "no", steps, REGION)

    assert bool(lines) != (reason in {Reason.OK, Reason.NOT_SCANNED, Reason.INTERNAL})


def test_a_denied_call_names_the_role_and_the_statement_to_add() -> None:
    lines = remediation_of(Reason.ACCESS_DENIED, "no", (HUB, MEMBER), REGION)

    assert MEMBER.role_arn in lines[0]
    assert statements(lines) == [
        {"Effect": "Allow", "Action": ["tag:GetResources"], "Resource": ["*"]}
    ]


_READS = {
    Source.TAGGING: ["tag:GetResources"],
    Source.IAM: ["iam:GetAccountAuthorizationDetails"],
    Source.AUTOSCALING: ["autoscaling:DescribeAutoScalingGroups"],
}


@pytest.mark.parametrize("steps", [(), (MEMBER,)])
@pytest.mark.parametrize("source", [*Source])
def test_a_denied_source_names_its_own_permission_and_says_if_it_is_optional(
    steps: tuple[RoleStep, ...], source: Source
) -> None:
    action = _READS.get(source, ["resource-explorer-2:Search"])[-1]
    message = f"{action.partition(':')[2]}: AccessDenied: no"
    lines = remediation_of(Reason.ACCESS_DENIED, message, steps, REGION, source)

    assert action in actions(lines)
    assert ("optional" in lines[-1]) == (source is not Source.TAGGING)


def test_a_denied_list_of_iam_names_the_permissions_of_that_way_to_read_it() -> None:
    message = "ListRoleTags: AccessDenied: no"
    lines = remediation_of(Reason.ACCESS_DENIED, message, (MEMBER,), REGION, Source.IAM)

    assert actions(lines) == [
        "iam:ListRoles",
        "iam:ListUsers",
        "iam:ListRoleTags",
        "iam:ListUserTags",
    ]


@pytest.mark.parametrize(
    ("source", "action", "host"),
    [
        (Source.TAGGING, "tag:GetResources", "tagging.eu-west-1.amazonaws.com"),
        (
            Source.AUTOSCALING,
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling.eu-west-1.amazonaws.com",
        ),
        (Source.IAM, "iam:ListRoles", "iam.amazonaws.com"),
    ],
)
def test_policies_and_networks_are_those_of_the_source(
    source: Source, action: str, host: str
) -> None:
    denied = remediation_of(Reason.SCP_DENIED, "no", (MEMBER,), REGION, source)
    unreachable = remediation_of(Reason.UNREACHABLE, "no", (MEMBER,), REGION, source)

    assert action in denied[0]
    assert host in " ".join(unreachable)


@pytest.mark.parametrize(
    ("message", "host"),
    [
        ("AssumeRole: not finished within 20 s", "sts.eu-west-1.amazonaws.com"),
        ("GetCallerIdentity: not finished within 20 s", "sts.eu-west-1.amazonaws.com"),
        ("DescribeRegions: not finished within 20 s", "ec2.eu-west-1.amazonaws.com"),
        ("ListAccounts: not finished within 20 s", "organizations.us-east-1.amazonaws.com"),
        (
            'GetIndex: Connect timeout on endpoint URL: "https://x.vpce:8443/GetIndex"',
            "x.vpce:8443",
        ),
    ],
)
def test_the_host_is_that_of_the_operation_that_failed(message: str, host: str) -> None:
    advice = remediation_of(Reason.TIMEOUT, message, (MEMBER,), REGION)
    assert f"can reach {host} or" in " ".join(advice)


def test_a_denied_role_names_both_statements_with_the_role_of_the_caller() -> None:
    message = (
        "AssumeRole: AccessDenied: User: arn:aws:sts::999999999999:assumed-role/hub/tag-compliance "
        f"is not authorized to perform: sts:AssumeRole on resource: {MEMBER.role_arn}"
    )
    trust, allow = statements(
        remediation_of(Reason.ASSUME_ROLE_DENIED, message, (HUB, MEMBER), REGION)
    )

    assert trust == {
        "Effect": "Allow",
        "Principal": {"AWS": HUB.role_arn},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "blue"}},
    }
    assert allow == {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": MEMBER.role_arn}


def test_a_denied_hub_role_is_the_role_to_fix() -> None:
    message = f"User: arn:aws:iam::1:user/base is not authorized on resource: {HUB.role_arn}"
    lines = remediation_of(Reason.ASSUME_ROLE_DENIED, message, (HUB, MEMBER), REGION)

    assert lines[0].startswith(HUB.role_arn)
    assert "Condition" not in statements(lines)[0]


def _response(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetCallerIdentity")


SKEW = "Signature expired: 20261124T100000Z is now earlier than 20261124T105500Z"
CREDENTIALS = [
    (boto.NoCredentialsError(), "set AWS_PROFILE, or AWS_ACCESS_KEY_ID"),
    (boto.ProfileNotFound(profile="nix"), "AWS_PROFILE names a profile"),
    (boto.PartialCredentialsError(provider="env", cred_var="x"), "set both the access key id"),
    (boto.SSOTokenLoadError(error_msg="Token for x does not exist"), "aws sso login"),
    (boto.UnauthorizedSSOTokenError(), "aws sso login"),
    (boto.TokenRetrievalError(provider="sso", error_msg="expired"), "aws sso login"),
    (boto.LoginRefreshRequired(), "aws sso login"),
    (boto.CredentialRetrievalError(provider="custom-process", error_msg="x"), "credential_process"),
    (_response("InvalidClientTokenId", "is invalid"), "AWS does not know the access key"),
    (_response("SignatureDoesNotMatch", "does not match"), "the secret access key does not belong"),
    (_response("SignatureDoesNotMatch", SKEW), "the clock of this machine differs"),
    (_response("MissingAuthenticationToken", "Missing"), "a proxy removes"),
    (_response("ExpiredToken", "has expired"), "the base credentials have expired"),
    (_response("RequestExpired", "has expired"), "check the clock of this machine"),
    (boto.ConfigParseError(path="config"), "aws sts get-caller-identity"),
]


@pytest.mark.parametrize(("error", "advice"), CREDENTIALS)
def test_unusable_credentials_have_the_advice_for_their_cause(
    error: Exception, advice: str
) -> None:
    failure = aws_error_of("GetCallerIdentity", error)
    lines = remediation_of(failure.reason, str(failure), (MEMBER,), REGION)

    assert advice in " ".join(lines)
    assert not statements(lines), "no permission is missing"
