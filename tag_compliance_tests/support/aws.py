"""How the program reaches the fake AWS, and what a scan of it must return."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from tag_compliance.aws.scanner import scan_accounts
from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.arn import type_of
from tag_compliance.domain.resources import AccountInventory
from tag_compliance_tests.fake_aws import FakeAws, Organization
from tag_compliance_tests.support.config import matrix_of, settings_of

Enter = Callable[[FakeAws], None]
Start = Callable[..., FakeAws]
Row = tuple[str, str, str, tuple[tuple[str, str], ...]]

REGIONS = ("us-east-1", "eu-west-1")


def enter(fake: FakeAws) -> None:
    """Directs every boto3 client of this process to the fake, until the test ends."""
    os.environ.update(fake.environment())


def config_of(
    organization: Organization, regions: Sequence[str] = REGIONS, **settings: Any
) -> Config:
    """Every account of the organization, in these regions."""
    changed = {"REQUIRED_TAGS": ["Owner"], "calls_per_second": 0.0, "region_deadline": 20}
    rows = matrix_of(organization, regions)
    return Config.model_validate(settings_of(rows, **changed | settings))


def scan(
    organization: Organization, regions: Sequence[str] = REGIONS, **settings: Any
) -> list[AccountInventory]:
    """The inventories of all accounts, in the order of the organization."""
    config = config_of(organization, regions, **settings)
    scanned = {i.status.account_id: i for i in scan_accounts(config, targets_of(config))}
    return [scanned[AccountId(account.account_id)] for account in organization]


def rows_of(inventory: AccountInventory) -> list[Row]:
    """What was read: region, ARN, type and tags of each resource, in the order of reading."""
    return [
        (row["region"], row["arn"], row["resource_type"], tuple(row["tags"]))
        for row in inventory.resources.to_pylist()
    ]


def rows_in(organization: Organization, account_id: str, regions: Sequence[str]) -> list[Row]:
    """What a scan of these regions must read."""
    return [
        (region, resource.arn, type_of(resource.arn), tuple(resource.tags.items()))
        for region in regions
        for resource in organization[account_id].resources(region)
    ]
