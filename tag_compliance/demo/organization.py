"""The simulated AWS organization: its accounts, what runs there, and the configuration to scan it.

A description only: `seeding` creates what stands here, and the tests compare what the scan reads
with it. Account 555555555555 is one that a company bought and has not integrated yet: nobody
gave the scanner's role a trust policy there, so it appears in the configuration and refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tag_compliance.demo.tag_habit import TagHabit
from tag_compliance.demo.workload import (
    CHECKOUT,
    EXPERIMENTS,
    STOREFRONT,
    WAREHOUSE,
    Workload,
)

__all__ = [
    "ACCOUNTS",
    "EXCLUDED_RESOURCE_TYPES",
    "GLOBAL_REGION",
    "MANAGEMENT_ACCOUNT_ID",
    "REGIONS",
    "REQUIRED_TAGS",
    "ROLE_NAME",
    "SCANNER_ARN",
    "SCANNER_NAME",
    "SimulatedAccount",
    "demo_config",
]

REGIONS = ("us-east-1", "eu-west-1", "eu-central-1")
GLOBAL_REGION = "us-east-1"
ROLE_NAME = "terraform"

# moto's default account, to which it assigns every user and key it has not been told about.
MANAGEMENT_ACCOUNT_ID = "123456789012"
SCANNER_NAME = "tag-compliance"
SCANNER_ARN = f"arn:aws:iam::{MANAGEMENT_ACCOUNT_ID}:user/{SCANNER_NAME}"

REQUIRED_TAGS = ("Owner", "Environment", "CostCenter", "Project")
EXCLUDED_RESOURCE_TYPES = ("ecs:task", "eks:pod", "elasticloadbalancing:targetgroup")


@dataclass(frozen=True, slots=True)
class SimulatedAccount:
    """An account of the organization: what runs in its regions, and how its people tag."""

    account_id: str
    name: str
    environment: str
    workloads: Mapping[str, tuple[Workload, ...]]
    habits: tuple[TagHabit, ...]
    """Taken in turn by the account's resources, so that every run has the same ones."""
    trusts_scanner: bool = True


_COMPLETE = TagHabit.COMPLETE

ACCOUNTS = (
    SimulatedAccount(
        account_id="111111111111",
        name="production",
        environment="production",
        workloads={
            "us-east-1": (STOREFRONT, CHECKOUT),
            "eu-west-1": (STOREFRONT, CHECKOUT),
            "eu-central-1": (CHECKOUT,),
        },
        habits=(
            *(_COMPLETE,) * 8,
            TagHabit.WITHOUT_COST_CENTER,
            *(_COMPLETE,) * 6,
            TagHabit.EMPTY_PROJECT,
            *(_COMPLETE,) * 3,
        ),
    ),
    SimulatedAccount(
        account_id="222222222222",
        name="staging",
        environment="staging",
        # eu-central-1 is scanned and empty: a region of which no percentage can be told.
        workloads={"us-east-1": (STOREFRONT, CHECKOUT), "eu-west-1": (CHECKOUT,)},
        habits=(
            _COMPLETE,
            TagHabit.WITHOUT_COST_CENTER,
            _COMPLETE,
            TagHabit.OWNER_IN_LOWER_CASE,
            _COMPLETE,
            TagHabit.NAME_ONLY,
            TagHabit.WITHOUT_OWNER,
            TagHabit.REMOVED,
        ),
    ),
    SimulatedAccount(
        account_id="333333333333",
        name="data-platform",
        environment="production",
        workloads={"us-east-1": (WAREHOUSE,), "eu-central-1": (WAREHOUSE,)},
        habits=(
            _COMPLETE,
            _COMPLETE,
            TagHabit.WITHOUT_OWNER,
            _COMPLETE,
            _COMPLETE,
            TagHabit.EMPTY_PROJECT,
            TagHabit.WITHOUT_COST_CENTER,
        ),
    ),
    SimulatedAccount(
        account_id="444444444444",
        name="sandbox",
        environment="sandbox",
        workloads={"us-east-1": (EXPERIMENTS,), "eu-west-1": (EXPERIMENTS,)},
        habits=(
            TagHabit.NAME_ONLY,
            TagHabit.REMOVED,
            TagHabit.NEVER_TAGGED,
            TagHabit.NAME_ONLY,
            TagHabit.OWNER_IN_LOWER_CASE,
        ),
    ),
    SimulatedAccount(
        account_id="555555555555",
        name="acquired",
        environment="production",
        workloads={},
        habits=(_COMPLETE,),
        trusts_scanner=False,
    ),
)


def demo_config(storage: Path, *, refresh_interval: int = 300) -> str:
    """The text of the `config.yaml` that scans this organization into the folder `storage`."""
    lines = ["aws_account_matrix:"]
    for account in ACCOUNTS:
        # An unquoted account id would be a YAML number.
        lines += [
            f'  - account_id: "{account.account_id}"',
            f"    account_name: {account.name}",
            f"    regions: [{', '.join(REGIONS)}]",
        ]
    lines += [f"assume_role_name_template: {ROLE_NAME}", "REQUIRED_TAGS:"]
    lines += [f"  - {key}" for key in REQUIRED_TAGS]
    lines += ["excluded_resource_types:"]
    lines += [f'  - "{pattern}"' for pattern in EXCLUDED_RESOURCE_TYPES]
    lines += [f"refresh_interval: {refresh_interval}"]
    # Single quotes: the one YAML style without escapes, save the quote itself.
    lines += ["storage: '{}'".format(str(storage).replace("'", "''"))]
    return "\n".join(lines) + "\n"
