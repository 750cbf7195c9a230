"""ARNs as AWS assigns them. Where AWS chooses an id, the id is a hash of the resource's name.

https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import base64
import hashlib
from uuid import UUID

_RESOURCES = {
    "athena:workgroup": "workgroup/{name}",
    "backup:backup-vault": "backup-vault:{name}",
    "cloudfront:distribution": "distribution/E{letters:.13}",
    "cloudwatch:alarm": "alarm:{name}",
    "dynamodb:table": "table/{name}",
    "ec2:instance": "instance/i-0{hex:.16}",
    "ec2:security-group": "security-group/sg-0{hex:.16}",
    "ec2:volume": "volume/vol-0{hex:.16}",
    "ec2:vpc": "vpc/vpc-0{hex:.16}",
    "ecs:cluster": "cluster/{name}",
    "ecs:service": "service/default/{name}",
    "ecs:task": "task/default/{hex:.32}",
    "ecs:task-definition": "task-definition/{name}:1",
    "elasticfilesystem:file-system": "file-system/fs-0{hex:.16}",
    "elasticloadbalancing:loadbalancer": "loadbalancer/app/{name}/{hex:.16}",
    "elasticloadbalancing:targetgroup": "targetgroup/{name}/{hex:.16}",
    "events:event-bus": "event-bus/{name}",
    "kms:key": "key/{uuid}",
    "lambda:function": "function:{name}",
    "logs:log-group": "log-group:{name}",
    "rds:db": "db:{name}",
    # The name of a bucket is unique in all of AWS.
    "s3:bucket": "{account_id}-{region}-{name}",
    "secretsmanager:secret": "secret:{name}-{letters:.6}",
    "sns:topic": "{name}",
    "sqs:queue": "{name}",
    "ssm:parameter": "parameter/{name}",
}


def arn_of(resource_type: str, account_id: str, region: str, name: str) -> str:
    """The ARN of a resource. `resource_type` is `service:type`; the region is where it exists."""
    digest = hashlib.sha256(f"{resource_type}/{account_id}/{region}/{name}".encode()).digest()
    resource = _RESOURCES[resource_type].format(
        account_id=account_id,
        region=region,
        name=name,
        hex=digest.hex(),
        letters=base64.b32encode(digest).decode(),
        uuid=UUID(bytes=digest[:16], version=4),
    )
    match resource_type.partition(":")[0]:
        case "s3":
            return f"arn:aws:s3:::{resource}"
        case "cloudfront":
            return f"arn:aws:cloudfront::{account_id}:{resource}"
        case service:
            return f"arn:aws:{service}:{region}:{account_id}:{resource}"
