"""The environment of a test: without the AWS, Dagster and proxy settings of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def isolated(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment without foreign settings; AWS's configuration files are in the folder."""
    kept = {name: value for name, value in environment.items() if not _is_foreign(name.upper())}
    return kept | {
        "AWS_CONFIG_FILE": str(folder / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def become(environment: Mapping[str, str]) -> None:
    """Replaces the environment of this process; `conftest.py` restores it after the test."""
    os.environ.clear()
    os.environ.update(environment)


def _is_foreign(name: str) -> bool:
    return (
        name.startswith(("AWS_", "TAG_COMPLIANCE_", "DAGSTER_"))
        or name.endswith("_PROXY")
        or name == "REQUESTS_CA_BUNDLE"
    )
