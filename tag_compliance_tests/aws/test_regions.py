"""The regions of AWS are known with their partitions."""

from __future__ import annotations

import pytest

from tag_compliance.aws.regions import (
    global_region,
    global_region_of,
    known_regions,
    partition_of_regions,
)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("eu-central-2", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
    ],
)
def test_a_region_has_a_partition(region: str, partition: str) -> None:
    assert known_regions()[region] == partition


def test_global_pseudo_regions_and_unknown_names_are_not_regions() -> None:
    assert not [region for region in known_regions() if "global" in region]
    assert "mars-north-1" not in known_regions()


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("eu-west-1", "us-east-1"),
        ("us-east-1", "us-east-1"),
        ("cn-north-1", "cn-northwest-1"),
        ("us-gov-east-1", "us-gov-west-1"),
        ("eusc-de-east-1", "eusc-de-east-1"),
        ("mars-north-1", None),
    ],
)
def test_each_partition_has_one_global_region(region: str, expected: str | None) -> None:
    assert global_region(region) == expected


@pytest.mark.parametrize(
    ("regions", "partition", "region"),
    [
        (["eu-west-1"], "aws", "us-east-1"),
        (["us-gov-east-1"], "aws-us-gov", "us-gov-west-1"),
        (["cn-north-1"], "aws-cn", "cn-northwest-1"),
        (["eusc-de-east-1"], "aws-eusc", "eusc-de-east-1"),
        (["zz-newest-1", "cn-north-1"], "aws-cn", "cn-northwest-1"),
        ([], "aws", "us-east-1"),
    ],
)
def test_services_that_a_partition_has_once_are_in_its_global_region(
    regions: list[str], partition: str, region: str
) -> None:
    assert partition_of_regions(regions) == partition
    assert global_region_of(partition) == region
