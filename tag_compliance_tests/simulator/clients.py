"""boto3 clients of a simulated AWS or of moto, and a small organization."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from tag_compliance.simulator.credentials import BASE_ACCESS_KEY_ID, BASE_SECRET_ACCESS_KEY
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.server import SimulatedAws

ACCOUNT_ID = "111111111111"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/terraform"
REGION = "us-east-1"

_BASE = {"AccessKeyId": BASE_ACCESS_KEY_ID, "SecretAccessKey": BASE_SECRET_ACCESS_KEY}


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def connect(
    url: str,
    service: str,
    region: str = REGION,
    credentials: dict[str, Any] | None = None,
    **config: Any,
) -> Any:
    """A client that never retries, by default with the base credentials."""
    keys = credentials or _BASE
    return _session().client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


def assume(url: str, role_arn: str = ROLE_ARN, **parameters: Any) -> dict[str, Any]:
    """Credentials of a role."""
    parameters = {"RoleArn": role_arn, "RoleSessionName": "scan", **parameters}
    credentials: dict[str, Any] = connect(url, "sts").assume_role(**parameters)["Credentials"]
    return credentials


def connect_tagging(aws: SimulatedAws, region: str = REGION, **config: Any) -> Any:
    """A client of the tagging API in the account of `ROLE_ARN`."""
    credentials = assume(aws.url)
    return connect(aws.url, "resourcegroupstaggingapi", region, credentials, **config)


def read_pages(client: Any, size: int = 2) -> list[dict[str, Any]]:
    """All pages of GetResources."""
    pages = [client.get_resources(ResourcesPerPage=size)]
    while token := pages[-1].get("PaginationToken"):
        pages.append(client.get_resources(ResourcesPerPage=size, PaginationToken=token))
    return pages


def mappings(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The resources of all pages."""
    return [mapping for page in pages for mapping in page["ResourceTagMappingList"]]


def arns(pages: list[dict[str, Any]]) -> list[Any]:
    """The ARNs of all pages."""
    return [mapping["ResourceARN"] for mapping in mappings(pages)]


def five_queues() -> Organization:
    """One account with five tagged queues in one region."""
    organization = Organization()
    account = organization.add_account(ACCOUNT_ID)
    for number in range(5):
        account.put(REGION, f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:queue-{number}", {"Owner": "a"})
    return organization
