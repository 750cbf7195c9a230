"""Makes a snapshot with any number of accounts, regions, types and required tags."""

from __future__ import annotations

from typing import Any

from benchmarks.organization import account, contents_of, published
from tag_compliance.aws.regions import known_regions
from tag_compliance.domain.policy import Policy
from tag_compliance.snapshot.builder import SnapshotContents
from tag_compliance_tests.domain.organizations import table_of

_SERVICES = ("ec2", "lambda", "logs", "elasticloadbalancing", "dynamodb", "secretsmanager")
_KEYS = ("Owner", "Environment", "CostCenter", "Project", "Team", "Application")
_LACKING_ONE_OF = 10
_MAX_DETAIL_SERIES = 100_000
"""The default of the configuration."""


def large_contents(accounts: int, regions: int, types: int, tags: int) -> SnapshotContents:
    """Every region has one resource of each type; at most six tags are required."""
    policy = Policy(_KEYS[:tags])
    names = [*known_regions()][:regions]
    rows = table_of(
        (region, _row(at * types + number, region, number, policy.required_tags))
        for at, region in enumerate(names)
        for number in range(types)
    )
    returned = dict.fromkeys(names, types)
    read = [account(number, rows, returned) for number in range(accounts)]
    return contents_of(read, policy, _MAX_DETAIL_SERIES)


def publish(accounts: int, regions: int, types: int, tags: int, storage: str) -> dict[str, Any]:
    """Publishes the snapshot; for `process.call`."""
    return published(large_contents(accounts, regions, types, tags), storage)


def _row(serial: int, region: str, type_: int, keys: tuple[str, ...]) -> dict[str, Any]:
    """One resource in ten lacks one of its tags."""
    service, kind = _SERVICES[type_ % len(_SERVICES)], f"resource-{type_:02}"
    lacking = keys[serial // _LACKING_ONE_OF % len(keys)] if serial % _LACKING_ONE_OF == 0 else ""
    return {
        "arn": f"arn:aws:{service}:{region}:ACCOUNT:{kind}/orders-service-{serial:09}",
        "resource_type": f"{service}:{kind}",
        "tags": {key: f"value-of-{key}" for key in keys if key != lacking},
    }
