"""Brings the organization to life: creates through boto3 what its description says."""

from __future__ import annotations

from typing import Any

from tag_compliance.demo.clients import Clients, Credentials
from tag_compliance.demo.creators import CREATORS
from tag_compliance.demo.organization import (
    ACCOUNTS,
    GLOBAL_REGION,
    SCANNER_NAME,
    SimulatedAccount,
)
from tag_compliance.demo.region import Region
from tag_compliance.demo.resource import SimulatedResource, resources_of
from tag_compliance.demo.tag_habit import TagHabit

__all__ = ["seed"]

# The role that AWS Organizations puts into every account it creates.
_ADMINISTRATOR = "OrganizationAccountAccessRole"

# moto takes a request signed with a key it does not know for one of its default account,
# the management account of this organization.
_ROOT = Credentials("AKIAIOSFODNN7EXAMPLE", "simulated-only")

# https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_UntagResources.html
_UNTAG_LIMIT = 20


def seed(url: str) -> Credentials:
    """Create the whole organization at the simulated AWS of `url`, and its scanner's user.

    In one thread and a fixed order, since the order decides the random identifiers.
    """
    clients = Clients(url, _ROOT)
    scanner = _create_scanner(clients.client("iam", GLOBAL_REGION))
    for account in ACCOUNTS:
        if account.trusts_scanner:
            clients.act_as(_ROOT)
            clients.act_as(_administrator_of(account, clients.client("sts", GLOBAL_REGION)))
            _seed_account(account, clients)
    return scanner


def _create_scanner(iam: Any) -> Credentials:
    iam.create_user(UserName=SCANNER_NAME)
    key = iam.create_access_key(UserName=SCANNER_NAME)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def _administrator_of(account: SimulatedAccount, sts: Any) -> Credentials:
    granted = sts.assume_role(
        RoleArn=f"arn:aws:iam::{account.account_id}:role/{_ADMINISTRATOR}",
        RoleSessionName="seeding",
    )["Credentials"]
    return Credentials(granted["AccessKeyId"], granted["SecretAccessKey"], granted["SessionToken"])


def _seed_account(account: SimulatedAccount, clients: Clients) -> None:
    regions = {name: Region(clients, account.account_id, name) for name in account.workloads}
    removals: dict[str, list[SimulatedResource]] = {}
    for resource in resources_of(account):
        CREATORS[resource.kind](regions[resource.region], resource)
        if resource.habit is TagHabit.REMOVED:
            removals.setdefault(resource.region, []).append(resource)
    for name, resources in removals.items():
        _remove_tags(regions[name], resources)


def _remove_tags(region: Region, resources: list[SimulatedResource]) -> None:
    tagging = region.client("resourcegroupstaggingapi")
    names = [resource.name for resource in resources]
    keys = sorted({key for resource in resources for key in resource.tags})
    pages = tagging.get_paginator("get_resources").paginate(
        TagFilters=[{"Key": "Name", "Values": names}]
    )
    arns = [mapping["ResourceARN"] for page in pages for mapping in page["ResourceTagMappingList"]]
    for start in range(0, len(arns), _UNTAG_LIMIT):
        tagging.untag_resources(ResourceARNList=arns[start : start + _UNTAG_LIMIT], TagKeys=keys)
