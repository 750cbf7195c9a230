"""The regions of AWS and their partitions, from botocore's data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

_ALWAYS_ENABLED = frozenset(
    {
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1"),
        *("ap-southeast-1", "ap-southeast-2"),
    }
)
"""The regions of the partition `aws` that no account has to enable. All newer ones must be enabled:
https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html"""


def always_enabled(region: str) -> str:
    """The region, or `us-east-1` if accounts have to enable it. Only `aws` has such regions."""
    opt_in = known_regions().get(region) == "aws" and region not in _ALWAYS_ENABLED
    return "us-east-1" if opt_in else region


def global_region(region: str) -> str | None:
    """The region to which the global services of this region's partition belong.

    None if the region is not known, so that its global services are read in no region.
    """
    return _global_regions().get(region)


@cache
def _global_regions() -> dict[str, str]:
    return {
        region: partition["outputs"]["implicitGlobalRegion"]
        for partition in _partitions()
        for region in partition["regions"]
    }


def partition_of_regions(regions: Iterable[str]) -> str:
    """The partition of the first known region; an account can have one that is newer."""
    known = known_regions()
    return next((known[region] for region in regions if region in known), "aws")


def global_region_of(partition: str) -> str:
    """The region of the services that a partition has once, such as Organizations."""
    found = {p["id"]: str(p["outputs"]["implicitGlobalRegion"]) for p in _partitions()}
    return found.get(partition, "us-east-1")


@cache
def known_regions() -> dict[str, str]:
    """The partition of each region: `{"eu-west-1": "aws", "cn-north-1": "aws-cn", …}`.

    An upgrade of botocore adds new regions.
    """
    return {
        region: partition["id"]
        for partition in _partitions()
        for region in partition["regions"]
        if not region.endswith("-global")
    }


@cache
def _partitions() -> list[dict[str, Any]]:
    """Botocore's file is read directly, because importing its loader, with urllib3 and ssl, takes
    a quarter of the start-up time of `check-config`.
    """
    data = json.loads(files("botocore").joinpath("data/partitions.json").read_bytes())
    partitions: list[dict[str, Any]] = data["partitions"]
    return partitions
