"""What AWS creates and owns is recognized by its ARN, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tag_compliance
from tag_compliance.domain.arn import type_of
from tag_compliance.domain.aws_owned import AWS_OWNED, aws_owned_rows
from tag_compliance_tests.domain.organizations import table_of

_ID = "111122223333"
_OWNED = [
    f"arn:aws:iam::{_ID}:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport",
    f"arn:aws-us-gov:iam::{_ID}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    f"arn:aws:iam::{_ID}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_x_0123",
    f"arn:aws:iam::{_ID}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE",
    f"arn:aws:iam::{_ID}:mfa/root-account-mfa-device",
    "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
    f"arn:aws:events:eu-west-1:{_ID}:event-bus/default",
    f"arn:aws:events:eu-west-1:{_ID}:rule/DO-NOT-DELETE-AmazonInspectorEc2ManagedRule",
    f"arn:aws:config:eu-west-1:{_ID}:config-rule/aws-service-rule/securityhub/config-rule-x",
    f"arn:aws:athena:eu-west-1:{_ID}:workgroup/primary",
    f"arn:aws:athena:eu-west-1:{_ID}:datacatalog/AwsDataCatalog",
    f"arn:aws:xray:eu-west-1:{_ID}:sampling-rule/Default",
    f"arn:aws:memorydb:eu-west-1:{_ID}:acl/open-access",
    f"arn:aws:memorydb:eu-west-1:{_ID}:user/default",
    f"arn:aws:memorydb:eu-west-1:{_ID}:parametergroup/default.memorydb-redis7",
    f"arn:aws:elasticache:eu-west-1:{_ID}:user:default",
    f"arn:aws:elasticache:eu-west-1:{_ID}:parametergroup:default.redis7",
    f"arn:aws:rds:eu-west-1:{_ID}:pg:default.mysql8.0",
    f"arn:aws:rds:eu-west-1:{_ID}:og:default:mysql-8-0",
    f"arn:aws:rds:eu-west-1:{_ID}:cluster-pg:default.aurora-mysql8.0",
    f"arn:aws:s3:eu-west-1:{_ID}:storage-lens/default-account-dashboard",
    f"arn:aws:apprunner:eu-west-1:{_ID}:autoscalingconfiguration/DefaultConfiguration/1/0000",
    f"arn:aws:ecs:eu-west-1:{_ID}:capacity-provider/FARGATE",
    f"arn:aws:ecs:eu-west-1:{_ID}:capacity-provider/FARGATE_SPOT",
    f"arn:aws:backup:eu-west-1:{_ID}:backup-vault:aws/efs/automatic-backup-vault",
    f"arn:aws:ssm:eu-west-1:{_ID}:parameter/inspector-aws/service/inspector-linux-paths",
    f"arn:aws:access-analyzer:eu-west-1:{_ID}:analyzer/_AccessAnalyzerForSecurityHub",
    f"arn:aws:resource-explorer-2:eu-west-1:{_ID}:index/0123",
    f"arn:aws:resource-explorer-2:eu-west-1:{_ID}:view/default/0123",
]
_NOT_OWNED = [
    f"arn:aws:iam::{_ID}:role/AWSServiceRoleForMe",
    f"arn:aws:iam::{_ID}:role/team/aws-service-role/x",
    f"arn:aws:iam::{_ID}:policy/mine",
    f"arn:aws:iam::{_ID}:user/aws-reserved/x",
    f"arn:aws:events:eu-west-1:{_ID}:event-bus/default-orders",
    f"arn:aws:events:eu-west-1:{_ID}:event-bus/Default",
    f"arn:aws:athena:eu-west-1:{_ID}:workgroup/primary-2",
    f"arn:aws:rds:eu-west-1:{_ID}:pg:defaults",
    f"arn:aws:rds:eu-west-1:{_ID}:db:default.mysql",
    f"arn:aws:ssm:eu-west-1:{_ID}:parameter/inspector-of-mine",
    f"arn:aws:ecs:eu-west-1:{_ID}:capacity-provider/fargate",
    # Paid for and tagged by the company, although AWS chose the name.
    f"arn:aws:logs:eu-west-1:{_ID}:log-group:/aws/lambda/orders",
    f"arn:aws:kms:eu-west-1:{_ID}:key/0123",
    "not an ARN: arn:aws:iam::aws:policy/x",
    f"arn:aws:events:eu-west-1:{_ID}:event-bus/default\n",
]


def _owned(*arns: str) -> list[bool]:
    rows = [{"arn": arn, "resource_type": type_of(arn), "tags": {}} for arn in arns]
    flags: list[bool] = aws_owned_rows(table_of(("eu-west-1", row) for row in rows)).tolist()
    return flags


@pytest.mark.parametrize("arn", _OWNED)
def test_a_resource_that_aws_creates_is_recognized(arn: str) -> None:
    assert _owned(arn) == [True]


@pytest.mark.parametrize("arn", _NOT_OWNED)
def test_a_resource_of_the_company_is_not(arn: str) -> None:
    assert _owned(arn) == [False]


def test_rows_keep_their_places_among_resources_of_any_type() -> None:
    arns = [_NOT_OWNED[0], _OWNED[0], "arn:aws:s3:::bucket", _OWNED[6], _NOT_OWNED[4]]

    assert _owned(*arns) == [False, True, False, True, False]
    assert _owned() == []


@pytest.mark.parametrize("resource_type", [*AWS_OWNED])
def test_each_type_is_the_type_of_the_arns_of_its_patterns(resource_type: str) -> None:
    service = resource_type.partition(":")[0]
    for pattern in AWS_OWNED[resource_type]:
        arn = f"arn:aws:{service}:eu-west-1:{_ID}:{pattern.replace('*', 'x')}"
        assert type_of(arn) == resource_type


def test_the_documented_list_is_the_list_of_the_program() -> None:
    page = Path(tag_compliance.__file__).parent.parent / "docs" / "configuration.md"
    section = (
        page.read_text(encoding="utf-8").partition("## What AWS owns")[2].partition("\n## ")[0]
    )
    documented = {
        (service, pattern)
        for service, patterns in re.findall(r"^\| `(\S+)` \| (.+?) \|$", section, re.MULTILINE)
        for pattern in re.findall(r"`([^`]+)`", patterns)
    }
    program = {
        (resource_type.partition(":")[0], pattern)
        for resource_type, patterns in AWS_OWNED.items()
        for pattern in patterns
    }
    assert documented == program | {("iam", "arn:aws:iam::aws:policy/*")}
