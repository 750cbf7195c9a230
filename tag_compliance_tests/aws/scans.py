"""Scanning a fake organization, and what a scan of it must have brought."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tag_compliance.config import Config
from tag_compliance.domain.arn import type_of
from tag_compliance.domain.scan import ScannedAccount
from tag_compliance_tests.fake_aws import FakeAws, Organization

Enter = Callable[[FakeAws], None]
Row = tuple[str, str, str, tuple[tuple[str, str], ...]]

REGIONS = ("us-east-1", "eu-west-1")


def forget_aws(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Takes away whatever AWS configuration the machine that runs the tests may have."""
    for name in os.environ:
        if name.upper().startswith(("AWS_", "TAG_COMPLIANCE_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "aws-credentials"))


def config_of(
    organization: Organization, regions: Sequence[str] = REGIONS, **settings: Any
) -> Config:
    """Every account of the organization, in these regions."""
    matrix = [{"account_id": a.account_id, "regions": list(regions)} for a in organization]
    return Config.model_validate(
        {
            "aws_account_matrix": matrix,
            "REQUIRED_TAGS": ["Owner"],
            "assume_role_name_template": "terraform",
            "calls_per_second": 0.0,
            "region_deadline": 20,
            **settings,
        }
    )


def account_ids(config: Config) -> list[str]:
    return [account.account_id for account in config.aws_account_matrix]


def rows_of(scanned: ScannedAccount) -> list[Row]:
    """What was read: region, ARN, type and tags of each resource, in the order of reading."""
    return [
        (row["region"], row["arn"], row["resource_type"], tuple(row["tags"]))
        for row in scanned.table.to_pylist()
    ]


def rows_in(organization: Organization, account_id: str, regions: Sequence[str]) -> list[Row]:
    """What there is to be read."""
    return [
        (region, resource.arn, type_of(resource.arn), tuple(resource.tags.items()))
        for region in regions
        for resource in organization[account_id].resources(region)
    ]
