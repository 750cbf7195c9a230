"""Configurations for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tag_compliance_tests.fake_aws import Organization

Row = Mapping[str, Any]

PARTITIONS = {
    **dict.fromkeys(["us-east-1", "us-west-2", "eu-west-1"], "aws"),
    "cn-north-1": "aws-cn",
    "us-gov-west-1": "aws-us-gov",
}
"""Some regions of AWS with their partitions."""


def matrix_of(organization: Organization, regions: Sequence[str] | None = None) -> list[Row]:
    """All accounts of the organization, with these regions or the regions of the account."""
    return [
        {"account_id": account.account_id, "regions": list(regions or account.regions)}
        for account in organization
    ]


def settings_of(accounts: Iterable[Row], **changed: Any) -> dict[str, Any]:
    """The content of a configuration; a key whose value is None is omitted."""
    content = {
        "aws_account_matrix": [dict(account) for account in accounts],
        "REQUIRED_TAGS": ["Owner", "Environment"],
        "assume_role_name_template": "terraform",
        **changed,
    }
    return {key: value for key, value in content.items() if value is not None}


def write_config(folder: Path, accounts: Iterable[Row] | Organization, **changed: Any) -> Path:
    """Writes `config.yaml`; the default storage is the folder `state` next to it."""
    if isinstance(accounts, Organization):
        accounts = matrix_of(accounts)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings_of(accounts, **changed)), encoding="utf-8")
    return path
