"""The `config.yaml` that scans the demo organization."""

from __future__ import annotations

from pathlib import Path

import yaml

from tag_compliance.simulator.demo.accounts import ACCOUNTS, REGIONS
from tag_compliance.simulator.demo.organization import ROLE_NAME

REQUIRED_TAGS = ("Owner", "Environment", "CostCenter", "Project")


def demo_config(storage: Path) -> str:
    """Its text; the scan writes into the folder `storage`."""
    matrix = [
        {"account_id": account.account_id, "account_name": account.name, "regions": [*REGIONS]}
        for account in ACCOUNTS
    ]
    values = {
        "aws_account_matrix": matrix,
        "assume_role_name_template": ROLE_NAME,
        "REQUIRED_TAGS": [*REQUIRED_TAGS],
        "excluded_resource_types": ["ecs:task", "eks:pod", "elasticloadbalancing:targetgroup"],
        "refresh_interval": 300,
        "storage": str(storage),
    }
    return yaml.safe_dump(values, sort_keys=False)
