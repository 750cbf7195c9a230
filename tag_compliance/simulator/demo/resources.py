"""The resources of the demo organization, with the tags that their habits leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle

from tag_compliance.simulator.demo.accounts import DemoAccount
from tag_compliance.simulator.demo.arns import arn_of
from tag_compliance.simulator.demo.tag_habit import TagHabit
from tag_compliance.simulator.demo.workload import Workload

_HOME_REGIONS = {"cloudfront:distribution": "us-east-1"}
"""Global resource types, and the one region in which GetResources returns them."""


@dataclass(frozen=True, slots=True)
class DemoResource:
    """One resource; `region` is the one in which GetResources returns it."""

    region: str
    arn: str
    tags: Mapping[str, str]
    habit: TagHabit


def resources_of(account: DemoAccount) -> Iterator[DemoResource]:
    """Every resource of the account, in the same order each time."""
    inventory = _inventory(account)
    for (region, workload, resource_type, number), habit in zip(
        inventory, cycle(account.habits), strict=False
    ):
        # At most 32 characters, the limit of a load balancer's name.
        name = f"{workload.project}-{resource_type.partition(':')[2]}-{number}"
        complete = {
            "Name": name,
            "Owner": workload.owner,
            "Environment": account.environment,
            "CostCenter": workload.cost_center,
            "Project": workload.project,
        }
        arn = arn_of(resource_type, account.account_id, region, name)
        yield DemoResource(region, arn, habit.apply(complete), habit)


def _inventory(account: DemoAccount) -> Iterator[tuple[str, Workload, str, int]]:
    for region, workloads in account.workloads.items():
        for workload in workloads:
            for resource_type, count in workload.resource_types.items():
                if _HOME_REGIONS.get(resource_type, region) == region:
                    for number in range(1, count + 1):
                        yield region, workload, resource_type, number
