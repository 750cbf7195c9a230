"""What the teams of the demo organization run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Workload:
    """A product of a team: the values of its tags, and the number of resources of each type."""

    project: str
    owner: str
    cost_center: str
    resource_types: Mapping[str, int]


STOREFRONT = Workload(
    project="storefront",
    owner="web@example.com",
    cost_center="CC-1010",
    resource_types={
        "cloudfront:distribution": 2,
        "elasticloadbalancing:loadbalancer": 1,
        "elasticloadbalancing:targetgroup": 2,
        "ec2:instance": 3,
        "ec2:volume": 2,
        "ec2:security-group": 1,
        "s3:bucket": 2,
        "cloudwatch:alarm": 2,
    },
)
CHECKOUT = Workload(
    project="checkout",
    owner="payments@example.com",
    cost_center="CC-1042",
    resource_types={
        "ecs:cluster": 1,
        "ecs:service": 2,
        "ecs:task-definition": 2,
        "ecs:task": 3,
        "sqs:queue": 2,
        "sns:topic": 1,
        "dynamodb:table": 2,
        "rds:db": 1,
        "kms:key": 1,
        "secretsmanager:secret": 2,
        "logs:log-group": 2,
        "lambda:function": 2,
    },
)
WAREHOUSE = Workload(
    project="warehouse",
    owner="data-platform@example.com",
    cost_center="CC-2007",
    resource_types={
        "s3:bucket": 3,
        "athena:workgroup": 2,
        "backup:backup-vault": 1,
        "elasticfilesystem:file-system": 1,
        "rds:db": 1,
        "dynamodb:table": 1,
        "lambda:function": 2,
        "ssm:parameter": 2,
        "kms:key": 1,
        "events:event-bus": 1,
        "logs:log-group": 2,
    },
)
EXPERIMENTS = Workload(
    project="experiments",
    owner="everyone@example.com",
    cost_center="CC-9000",
    resource_types={
        "ec2:vpc": 1,
        "ec2:instance": 3,
        "ec2:volume": 2,
        "s3:bucket": 2,
        "sqs:queue": 2,
        "lambda:function": 2,
        "dynamodb:table": 2,
        "ssm:parameter": 2,
        "logs:log-group": 1,
        "ecs:task": 2,
    },
)
