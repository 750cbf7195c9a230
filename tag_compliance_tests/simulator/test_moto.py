"""The simulator compared with moto, which implements the same APIs independently."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tag_compliance.simulator.demo.arns import arn_of
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import (
    ACCOUNT_ID,
    REGION,
    assume,
    connect,
    mappings,
    read_pages,
)

Client = Callable[[str], Any]
Tags = Mapping[str, str | None]

_TAGS = {"Owner": "web@example.com", "Project": "größe"}
_OTHER_ACCOUNT_ID = "222222222222"
_OTHER_REGION = "eu-west-1"
_UNTAGGED, _EMPTY_VALUE = "untagged", "empty-value"


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _ec2_tags(resource_type: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": resource_type, "Tags": _pairs(tags)}]


def _create_bucket(client: Client, name: str, tags: Mapping[str, str]) -> None:
    client("s3").create_bucket(Bucket=name)
    client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": _pairs(tags)})


def _create_table(client: Client, name: str, tags: Mapping[str, str]) -> None:
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=_pairs(tags),
    )


def _create_function(client: Client, name: str, tags: Mapping[str, str]) -> None:
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]
    empty_zip = b"PK\x05\x06" + bytes(18)
    client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="handler.handle",
        Role=role["Arn"],
        Code={"ZipFile": empty_zip},
        Tags=tags,
    )


_CREATE: Mapping[str, Callable[[Client, str, Mapping[str, str]], object]] = {
    "dynamodb:table": _create_table,
    "ec2:instance": lambda client, _, tags: client("ec2").run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=_ec2_tags("instance", tags),
    ),
    "ec2:volume": lambda client, _, tags: client("ec2").create_volume(
        AvailabilityZone=f"{REGION}a", Size=8, TagSpecifications=_ec2_tags("volume", tags)
    ),
    "lambda:function": _create_function,
    "logs:log-group": lambda client, name, tags: client("logs").create_log_group(
        logGroupName=name, tags=tags
    ),
    "s3:bucket": _create_bucket,
    "sns:topic": lambda client, name, tags: client("sns").create_topic(
        Name=name, Tags=_pairs(tags)
    ),
    "sqs:queue": lambda client, name, tags: client("sqs").create_queue(QueueName=name, tags=tags),
}


@pytest.fixture(scope="session")
def moto(simulated_s3: str) -> str:
    """The URL of a moto server with the resources of both accounts."""
    client = _clients(simulated_s3, ACCOUNT_ID)
    for resource_type, create in _CREATE.items():
        name = _arn(resource_type).rpartition(":")[2] if "s3" in resource_type else "a"
        create(client, name, _TAGS)
    other = _clients(simulated_s3, _OTHER_ACCOUNT_ID)
    _create_bucket(other, _EMPTY_VALUE, {"Owner": ""})
    _create_table(other, _UNTAGGED, _TAGS)
    other("resourcegroupstaggingapi").untag_resources(
        ResourceARNList=[f"arn:aws:dynamodb:{REGION}:{_OTHER_ACCOUNT_ID}:table/{_UNTAGGED}"],
        TagKeys=list(_TAGS),
    )
    return simulated_s3


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """The URL of the simulator with the same resources."""
    organization = Organization()
    account = organization.add_account(ACCOUNT_ID)
    for resource_type in _CREATE:
        account.put(REGION, _arn(resource_type), _TAGS)
    other = organization.add_account(_OTHER_ACCOUNT_ID)
    other.put(REGION, f"arn:aws:s3:::{_EMPTY_VALUE}", {"Owner": ""})
    other.put(REGION, f"arn:aws:dynamodb:{REGION}:{_OTHER_ACCOUNT_ID}:table/{_UNTAGGED}")
    with SimulatedAws(organization) as aws:
        yield aws.url


def _arn(resource_type: str) -> str:
    return arn_of(resource_type, ACCOUNT_ID, REGION, "a")


def _clients(url: str, account_id: str) -> Client:
    credentials = assume(url, f"arn:aws:iam::{account_id}:role/terraform")
    return lambda service: connect(url, service, credentials=credentials)


def _read(url: str, account_id: str, region: str = REGION) -> list[tuple[str, Tags]]:
    """ARN, with `<id>` for an id that AWS chooses, and tags of every resource."""
    credentials = assume(url, f"arn:aws:iam::{account_id}:role/terraform")
    pages = read_pages(connect(url, "resourcegroupstaggingapi", region, credentials), size=3)
    return sorted(
        (
            re.sub(r"\b[0-9a-f]{17}\b", "<id>", mapping["ResourceARN"]),
            {tag["Key"]: tag.get("Value") for tag in mapping["Tags"]},
        )
        for mapping in mappings(pages)
    )


def test_both_return_the_same_resources_and_tags_over_all_pages(moto: str, simulator: str) -> None:
    simulated = _read(simulator, ACCOUNT_ID)

    assert len(simulated) == len(_CREATE)
    assert simulated == _read(moto, ACCOUNT_ID)


def test_both_return_the_same_fields_from_sts(moto: str, simulator: str) -> None:
    def fields(url: str) -> list[set[str]]:
        role = {"RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/a", "RoleSessionName": "scan"}
        assumed = connect(url, "sts").assume_role(**role)
        # moto returns this one without a session policy, too; AWS only returns it with one:
        # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
        assumed.pop("PackedPolicySize", None)
        identity = connect(url, "sts", credentials=assumed["Credentials"]).get_caller_identity()
        return [
            *(set(part) for part in (assumed, assumed["Credentials"], assumed["AssumedRoleUser"])),
            {*identity, identity["Account"], identity["Arn"]},
        ]

    assert fields(simulator) == fields(moto)


# "Returns all the tagged or previously tagged resources that are located in the specified Region":
# https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
# A tag must have a value, which may be empty:
# https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_Tag.html
@pytest.mark.parametrize(
    ("service", "region", "in_moto", "in_aws"),
    [
        pytest.param("dynamodb", REGION, [], [{}], id="all tags were removed"),
        pytest.param("s3", _OTHER_REGION, [{"Owner": None}], [], id="bucket in another region"),
        pytest.param("s3", REGION, [{"Owner": None}], [{"Owner": ""}], id="bucket, empty value"),
    ],
)
def test_the_simulator_follows_aws_where_moto_does_not(
    moto: str,
    simulator: str,
    service: str,
    region: str,
    in_moto: list[Tags],
    in_aws: list[Tags],
) -> None:
    def tags(url: str) -> list[Tags]:
        found = _read(url, _OTHER_ACCOUNT_ID, region)
        return [tags for arn, tags in found if arn.split(":")[2] == service]

    assert tags(moto) == in_moto
    assert tags(simulator) == in_aws
