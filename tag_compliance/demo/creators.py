"""How a resource of each kind comes into being: one row a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tag_compliance.demo import compute, data
from tag_compliance.demo.region import Region
from tag_compliance.demo.resource import SimulatedResource

__all__ = ["CREATORS"]

Creator = Callable[[Region, SimulatedResource], object]

CREATORS: Mapping[str, Creator] = MappingProxyType(
    {
        "athena:workgroup": data.create_work_group,
        "backup:backup-vault": data.create_vault,
        "cloudfront:distribution": compute.create_distribution,
        "cloudwatch:alarm": data.create_alarm,
        "dynamodb:table": data.create_table,
        "ec2:instance": compute.create_instance,
        "ec2:security-group": compute.create_security_group,
        "ec2:volume": compute.create_volume,
        "ec2:vpc": compute.create_vpc,
        "ecs:cluster": compute.create_cluster,
        "ecs:service": compute.create_service,
        "ecs:task": compute.create_task,
        "ecs:task-definition": compute.create_task_definition,
        "elasticfilesystem:file-system": data.create_file_system,
        "elasticloadbalancing:loadbalancer": compute.create_load_balancer,
        "elasticloadbalancing:targetgroup": compute.create_target_group,
        "events:event-bus": data.create_event_bus,
        "kms:key": data.create_key,
        "lambda:function": compute.create_function,
        "logs:log-group": data.create_log_group,
        "rds:db": data.create_db,
        "s3:bucket": data.create_bucket,
        "secretsmanager:secret": data.create_secret,
        "sns:topic": data.create_topic,
        "sqs:queue": data.create_queue,
        "ssm:parameter": data.create_parameter,
    }
)
