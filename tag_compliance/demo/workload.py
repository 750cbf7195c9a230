"""The workloads of the simulated organization: what its teams run, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CHECKOUT", "EXPERIMENTS", "STOREFRONT", "WAREHOUSE", "Workload"]


@dataclass(frozen=True, slots=True)
class Workload:
    """One product of one team: what it is tagged with, and how many of each kind it runs."""

    project: str
    owner: str
    cost_center: str
    kinds: Mapping[str, int]


STOREFRONT = Workload(
    project="storefront",
    owner="web@example.com",
    cost_center="CC-1010",
    kinds={
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
    kinds={
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
    kinds={
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
    kinds={
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
