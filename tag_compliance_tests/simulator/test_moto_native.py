"""IAM and Auto Scaling of the simulator compared with moto, which implements them independently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import REGION, assume, connect

_ACCOUNT_ID = "333333333333"
_ROLE_ARN = f"arn:aws:iam::{_ACCOUNT_ID}:role/terraform"
_TAGS = {"Owner": "web@example.com", "Project": "größe"}
_PAIRS = [{"Key": key, "Value": value} for key, value in _TAGS.items()]


@pytest.fixture(scope="module")
def moto(simulated_s3: str) -> str:
    """The URL of a moto server with roles, users and Auto Scaling groups."""
    credentials = assume(simulated_s3, _ROLE_ARN)
    iam = connect(simulated_s3, "iam", credentials=credentials)
    for name, tags in (("deploy", _PAIRS), ("untagged", [])):
        path = {"Path": "/team/", "RoleName": name}
        iam.create_role(**path, AssumeRolePolicyDocument="{}", Tags=tags)
    iam.create_user(UserName="alice", Tags=_PAIRS)
    groups = connect(simulated_s3, "autoscaling", credentials=credentials)
    groups.create_launch_configuration(
        LaunchConfigurationName="a", ImageId="ami-12c6146b", InstanceType="t3.micro"
    )
    for number in range(3):
        groups.create_auto_scaling_group(
            AutoScalingGroupName=f"g{number}",
            LaunchConfigurationName="a",
            MinSize=0,
            MaxSize=0,
            AvailabilityZones=[f"{REGION}a"],
            Tags=[pair | {"PropagateAtLaunch": True} for pair in _PAIRS],
        )
    return simulated_s3


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """The URL of the simulator with the same resources."""
    organization = Organization()
    account = organization.add_account(_ACCOUNT_ID)
    account.put_principal("role/team/deploy", _TAGS)
    account.put_principal("role/team/untagged")
    account.put_principal("user/alice", _TAGS)
    for number in range(3):
        account.put_auto_scaling_group(REGION, f"g{number}", _TAGS)
    with SimulatedAws(organization) as aws:
        yield aws.url


def _client(url: str, service: str) -> Any:
    return connect(url, service, credentials=assume(url, _ROLE_ARN))


def _shape(resource: dict[str, Any]) -> dict[str, Any]:
    """The fields that a source reads, and the names of the others."""
    read = {key: resource.get(key) for key in ("Arn", "Path", "RoleName", "UserName", "Tags")}
    return read | {"fields": sorted(resource.keys() - {"RoleLastUsed", "MaxSessionDuration"})}


def _shapes(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of all resources, in the order of their ARNs, because moto returns roles in any order."""
    return sorted(map(_shape, resources), key=lambda shape: str(shape["Arn"]))


def test_both_return_the_same_account_details(moto: str, simulator: str) -> None:
    def read(url: str) -> list[Any]:
        page = _client(url, "iam").get_account_authorization_details(Filter=["User", "Role"])
        page.pop("ResponseMetadata")
        found = _shapes(page.pop("UserDetailList") + page.pop("RoleDetailList"))
        return [found, page]

    assert read(simulator) == read(moto)


def test_both_return_the_same_lists_and_the_same_tags(moto: str, simulator: str) -> None:
    def read(url: str) -> list[Any]:
        client = _client(url, "iam")
        return [
            _shapes(client.list_roles()["Roles"]),
            _shapes(client.list_users()["Users"]),
            client.list_role_tags(RoleName="deploy")["Tags"],
            client.list_role_tags(RoleName="untagged")["Tags"],
            client.list_user_tags(UserName="alice")["Tags"],
        ]

    assert read(simulator) == read(moto)


@pytest.mark.parametrize("operation", ["list_role_tags", "list_user_tags"])
def test_both_return_the_same_error_for_an_unknown_name(
    moto: str, simulator: str, operation: str
) -> None:
    def error(url: str) -> tuple[str, int]:
        name = "RoleName" if "role" in operation else "UserName"
        with pytest.raises(ClientError) as caught:
            getattr(_client(url, "iam"), operation)(**{name: "unknown"})
        response: Any = caught.value.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]

    assert error(simulator) == error(moto) == ("NoSuchEntity", 404)


def test_both_return_the_same_groups_over_all_pages(moto: str, simulator: str) -> None:
    def read(url: str) -> list[Any]:
        paginator = _client(url, "autoscaling").get_paginator("describe_auto_scaling_groups")
        pages = list(paginator.paginate(PaginationConfig={"PageSize": 2}))
        groups = [group for page in pages for group in page["AutoScalingGroups"]]
        return [
            [len(page["AutoScalingGroups"]) for page in pages],
            [
                (
                    group["AutoScalingGroupARN"].split(":autoScalingGroup:")[0],
                    group["AutoScalingGroupARN"].rpartition(":")[2],
                    sorted(group["Tags"], key=lambda tag: str(tag["Key"])),
                )
                for group in groups
            ],
        ]

    assert read(simulator) == read(moto)
