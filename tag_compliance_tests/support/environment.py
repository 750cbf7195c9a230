"""The environment of a test: nothing of this machine's AWS, Dagster or proxy settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def isolated(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment without foreign settings; AWS's files are looked for in the folder."""
    kept = {name: value for name, value in environment.items() if not _is_foreign(name.upper())}
    return kept | {
        "AWS_CONFIG_FILE": str(folder / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def become(environment: Mapping[str, str]) -> None:
    """Makes it that of this process, until the test ends: then `conftest.py` restores it."""
    os.environ.clear()
    os.environ.update(environment)


def _is_foreign(name: str) -> bool:
    return (
        name.startswith(("AWS_", "TAG_COMPLIANCE_", "DAGSTER_"))
        or name.endswith("_PROXY")
        or name == "REQUESTS_CA_BUNDLE"
    )
