"""The demo organization in a simulated AWS, and the configuration that scans it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import yaml

from tag_compliance.simulator.demo.accounts import DemoAccount, describe_demo
from tag_compliance.simulator.demo.arns import arn_of
from tag_compliance.simulator.demo.tag_habit import TagHabit
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.server import SimulatedAws

REQUIRED_TAGS = ("Owner", "Environment", "CostCenter", "Project")

_ROLE_NAME = "terraform"
_HOME_REGIONS = {"cloudfront:distribution": "us-east-1"}
"""Global resource types, and the one region in which GetResources returns them."""


@dataclass(frozen=True, slots=True)
class DemoResource:
    """One resource; `region` is the one in which GetResources returns it."""

    region: str
    arn: str
    tags: Mapping[str, str]
    habit: TagHabit


def simulate_demo() -> SimulatedAws:
    """A simulated AWS with the demo organization; the base credentials are the scanner's."""
    organization = Organization()
    for described in describe_demo().accounts:
        roles = {_ROLE_NAME} if described.trusts_scanner else frozenset()
        account = organization.add_account(described.account_id, roles=roles)
        for resource in resources_of(described):
            if resource.habit is TagHabit.NEVER_TAGGED:
                account.put_never_tagged(resource.region, resource.arn)
            else:
                account.put(resource.region, resource.arn, resource.tags)
    return SimulatedAws(
        organization, base_account_id="123456789012", base_user_name="tag-compliance"
    )


def resources_of(account: DemoAccount) -> Iterator[DemoResource]:
    """Every resource of the account, in the same order each time."""
    habits = cycle(account.habits)
    for region, project, resource_type, number in _inventory(account):
        workload, habit = describe_demo().workloads[project], next(habits)
        # At most 32 characters, the limit of a load balancer's name.
        name = f"{project}-{resource_type.partition(':')[2]}-{number}"
        complete = {
            "Name": name,
            "Owner": workload.owner,
            "Environment": account.environment,
            "CostCenter": workload.cost_center,
            "Project": project,
        }
        arn = arn_of(resource_type, account.account_id, region, name)
        yield DemoResource(region, arn, habit.apply(complete), habit)


def _inventory(account: DemoAccount) -> Iterator[tuple[str, str, str, int]]:
    for region, projects in account.workloads.items():
        for project in projects:
            for resource_type, count in describe_demo().workloads[project].resource_types.items():
                if _HOME_REGIONS.get(resource_type, region) == region:
                    for number in range(1, count + 1):
                        yield region, project, resource_type, number


def demo_config(storage: Path) -> str:
    """The text of the `config.yaml` that scans the organization into the folder `storage`."""
    demo = describe_demo()
    values = {
        "aws_account_matrix": [
            {"account_id": a.account_id, "account_name": a.name, "regions": [*demo.regions]}
            for a in demo.accounts
        ],
        "assume_role_name_template": _ROLE_NAME,
        "REQUIRED_TAGS": [*REQUIRED_TAGS],
        "excluded_resource_types": ["ecs:task", "eks:pod", "elasticloadbalancing:targetgroup"],
        "refresh_interval": 300,
        "storage": str(storage),
    }
    return yaml.safe_dump(values, sort_keys=False)
