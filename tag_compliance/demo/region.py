"""One region of one simulated account, as its administrator reaches it with boto3."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from tag_compliance.demo.clients import Clients

__all__ = ["Region"]


class Region:
    """The clients of a region, and the few things there that several resources need.

    What it makes for them never gets a tag, so GetResources does not return it.
    """

    def __init__(self, clients: Clients, account_id: str, name: str) -> None:
        self.account_id = account_id
        self.name = name
        self._clients = clients

    def client(self, service: str) -> Any:
        """The client of a service here."""
        return self._clients.client(service, self.name)

    @cached_property
    def subnet_ids(self) -> list[str]:
        """The subnets of the default VPC."""
        subnets = self.client("ec2").describe_subnets()["Subnets"]
        return sorted(subnet["SubnetId"] for subnet in subnets)

    @cached_property
    def vpc_id(self) -> str:
        """The default VPC."""
        return str(self.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])

    @cached_property
    def service_role_arn(self) -> str:
        """A role for services to run as; IAM has one per account, whatever the region."""
        iam = self.client("iam")
        name = "service"
        try:
            role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityAlreadyExists":
                raise
            role = iam.get_role(RoleName=name)["Role"]
        return str(role["Arn"])

    @cached_property
    def cluster(self) -> str:
        """The default ECS cluster."""
        return str(self.client("ecs").create_cluster()["cluster"]["clusterName"])

    @cached_property
    def task_definition(self) -> str:
        """A task definition for tasks and services to run."""
        ecs = self.client("ecs")
        definition = ecs.register_task_definition(
            family="worker",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": "worker", "image": "worker:1", "memory": 512}],
        )
        return str(definition["taskDefinition"]["taskDefinitionArn"])
