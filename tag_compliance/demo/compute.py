"""How the resources come to be that compute, and the network around them.

Each function asks the service itself, with the tags in the create call wherever the service takes
them there, since that is how the tagging tools of the real world do it.
"""

from __future__ import annotations

from typing import Any

from tag_compliance.demo.region import Region
from tag_compliance.demo.resource import SimulatedResource

__all__ = [
    "create_cluster",
    "create_distribution",
    "create_function",
    "create_instance",
    "create_load_balancer",
    "create_security_group",
    "create_service",
    "create_target_group",
    "create_task",
    "create_task_definition",
    "create_volume",
    "create_vpc",
]

# An empty zip archive: its end-of-central-directory record alone.
_EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


def create_cluster(region: Region, resource: SimulatedResource) -> object:
    """An ECS cluster."""
    return region.client("ecs").create_cluster(
        clusterName=resource.name, tags=resource.tag_list("key", "value")
    )


def create_distribution(region: Region, resource: SimulatedResource) -> object:
    """A CloudFront distribution, which is global."""
    origin = f"{resource.name}.example.com"
    return region.client("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={
            "DistributionConfig": {
                "CallerReference": resource.name,
                "Comment": resource.name,
                "Enabled": True,
                "Origins": {
                    "Quantity": 1,
                    "Items": [
                        {
                            "Id": origin,
                            "DomainName": origin,
                            "CustomOriginConfig": {
                                "HTTPPort": 80,
                                "HTTPSPort": 443,
                                "OriginProtocolPolicy": "https-only",
                            },
                        }
                    ],
                },
                "DefaultCacheBehavior": {
                    "TargetOriginId": origin,
                    "ViewerProtocolPolicy": "redirect-to-https",
                },
            },
            "Tags": {"Items": resource.tag_list()},
        }
    )


def create_function(region: Region, resource: SimulatedResource) -> object:
    """A Lambda function."""
    return region.client("lambda").create_function(
        FunctionName=resource.name,
        Runtime="python3.13",
        Handler="handler.handle",
        Role=region.service_role_arn,
        Code={"ZipFile": _EMPTY_ZIP},
        Tags=dict(resource.tags),
    )


def create_instance(region: Region, resource: SimulatedResource) -> object:
    """An EC2 instance."""
    return region.client("ec2").run_instances(
        ImageId="ami-12c6146b",
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        **_ec2_tags(resource),
    )


def create_load_balancer(region: Region, resource: SimulatedResource) -> object:
    """An application load balancer."""
    return region.client("elbv2").create_load_balancer(
        Name=resource.name, Subnets=region.subnet_ids[:2], Tags=resource.tag_list()
    )


def create_security_group(region: Region, resource: SimulatedResource) -> object:
    """A security group of the default VPC."""
    return region.client("ec2").create_security_group(
        GroupName=resource.name,
        Description=resource.name,
        VpcId=region.vpc_id,
        **_ec2_tags(resource),
    )


def create_service(region: Region, resource: SimulatedResource) -> object:
    """An ECS service of the default cluster."""
    return region.client("ecs").create_service(
        cluster=region.cluster,
        serviceName=resource.name,
        taskDefinition=region.task_definition,
        desiredCount=0,
        tags=resource.tag_list("key", "value"),
    )


def create_target_group(region: Region, resource: SimulatedResource) -> object:
    """A target group of the default VPC."""
    return region.client("elbv2").create_target_group(
        Name=resource.name,
        Protocol="HTTP",
        Port=80,
        VpcId=region.vpc_id,
        Tags=resource.tag_list(),
    )


def create_task(region: Region, resource: SimulatedResource) -> object:
    """A Fargate task of the default cluster."""
    return region.client("ecs").run_task(
        cluster=region.cluster,
        taskDefinition=region.task_definition,
        launchType="FARGATE",
        # moto reads the security groups without asking whether they are there.
        networkConfiguration={
            "awsvpcConfiguration": {"subnets": region.subnet_ids[:1], "securityGroups": []}
        },
        tags=resource.tag_list("key", "value"),
    )


def create_task_definition(region: Region, resource: SimulatedResource) -> object:
    """An ECS task definition."""
    return region.client("ecs").register_task_definition(
        family=resource.name,
        containerDefinitions=[{"name": resource.name, "image": "worker:1", "memory": 128}],
        tags=resource.tag_list("key", "value"),
    )


def create_volume(region: Region, resource: SimulatedResource) -> object:
    """An EBS volume."""
    return region.client("ec2").create_volume(
        AvailabilityZone=f"{region.name}a", Size=8, **_ec2_tags(resource)
    )


def create_vpc(region: Region, resource: SimulatedResource) -> object:
    """A VPC."""
    return region.client("ec2").create_vpc(CidrBlock="10.0.0.0/16", **_ec2_tags(resource))


def _ec2_tags(resource: SimulatedResource) -> dict[str, Any]:
    # EC2 refuses a specification without tags.
    if not resource.tags:
        return {}
    kind = resource.kind.partition(":")[2]
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": resource.tag_list()}]}
