"""Each failure that a person can fix has an instruction."""

from __future__ import annotations

import json

import pytest

from tag_compliance.aws.remediation import remediation_of
from tag_compliance.aws.targets import RoleStep
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Reason

REGION = RegionName("eu-west-1")
HUB = RoleStep("arn:aws:iam::999999999999:role/hub", "tag-compliance", 3600)
MEMBER = RoleStep("arn:aws:iam::111111111111:role/terraform", "tag-compliance", 3600, "blue")


def statements(lines: tuple[str, ...]) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines if line.lstrip().startswith("{")]


@pytest.mark.parametrize("steps", [(), (MEMBER,)])
@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.ASSUME_ROLE_DENIED])
def test_only_failures_that_may_disappear_have_no_instruction(
    reason: Reason, steps: tuple[RoleStep, ...]
) -> None:
    lines = remediation_of(reason, "no", steps, REGION)

    assert bool(lines) != (reason in {Reason.OK, Reason.NOT_SCANNED, Reason.INTERNAL})


def test_a_denied_call_names_the_role_and_the_statement_to_add() -> None:
    lines = remediation_of(Reason.ACCESS_DENIED, "no", (HUB, MEMBER), REGION)

    assert MEMBER.role_arn in lines[0]
    assert statements(lines) == [{"Effect": "Allow", "Action": "tag:GetResources", "Resource": "*"}]


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
