"""The demo organization, as `organization.yaml` describes it, in a simulated AWS.

Also the configuration that scans it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files
from itertools import cycle
from pathlib import Path

import msgspec
import yaml

from tag_compliance.simulator.demo.arns import arn_of
from tag_compliance.simulator.explorer_index import SimulatedIndex
from tag_compliance.simulator.organization import ROOT_ID, Account, Organization
from tag_compliance.simulator.server import SimulatedAws

REQUIRED_TAGS = ("Owner", "Environment", "CostCenter", "Project")

_ROLE_NAME = "terraform"
_SCANNER_ACCOUNT_ID = "123456789012"
_HOME_REGIONS = {"cloudfront:distribution": "us-east-1"}
"""Global resource types, and the one region in which GetResources returns them."""


class TagHabit(Enum):
    """What happened to the tags that a resource should have."""

    COMPLETE = "complete"
    WITHOUT_COST_CENTER = "without_cost_center"
    WITHOUT_OWNER = "without_owner"
    OWNER_IN_LOWER_CASE = "owner_in_lower_case"
    """`owner` instead of `Owner`: a different key for AWS, although people read it as the same."""
    EMPTY_PROJECT = "empty_project"
    """The key without a value, which counts as present."""
    NAME_ONLY = "name_only"
    REMOVED = "removed"
    """All tags were removed: GetResources returns the resource with `"Tags": []`."""
    NEVER_TAGGED = "never_tagged"
    """GetResources does not return the resource."""

    def apply(self, complete: Mapping[str, str]) -> dict[str, str]:
        """The tags that are left of the complete ones."""
        tags = dict(complete)
        match self:
            case TagHabit.COMPLETE:
                pass
            case TagHabit.WITHOUT_COST_CENTER:
                del tags["CostCenter"]
            case TagHabit.WITHOUT_OWNER:
                del tags["Owner"]
            case TagHabit.OWNER_IN_LOWER_CASE:
                tags["owner"] = tags.pop("Owner")
            case TagHabit.EMPTY_PROJECT:
                tags["Project"] = ""
            case TagHabit.NAME_ONLY:
                tags = {"Name": tags["Name"]}
            case TagHabit.REMOVED | TagHabit.NEVER_TAGGED:
                tags = {}
        return tags


class Workload(msgspec.Struct, frozen=True):
    """A product of a team: its owner, its cost center, and its resources by type.

    It has each of its roles once in an account, and the Auto Scaling groups in each region.
    """

    owner: str
    cost_center: str
    resource_types: Mapping[str, int]
    roles: tuple[str, ...] = ()
    auto_scaling_groups: int = 0


class DemoAccount(msgspec.Struct, frozen=True):
    """An account: the names of its workloads by region, and the habits of its people."""

    account_id: str
    name: str
    environment: str
    ou_path: str
    workloads: Mapping[str, tuple[str, ...]] = {}
    users: tuple[str, ...] = ()
    habits: tuple[TagHabit, ...] = ()
    trusts_scanner: bool = True
    regions_without_index: tuple[str, ...] = ()
    """Where Resource Explorer has no index."""


class OtherAccount(msgspec.Struct, frozen=True):
    """An account that is not scanned."""

    account_id: str
    name: str
    ou_path: str = ""
    state: str = "ACTIVE"


class DemoDescription(msgspec.Struct, frozen=True):
    """The content of `organization.yaml`."""

    regions: tuple[str, ...]
    aws_owned_roles: tuple[str, ...]
    workloads: Mapping[str, Workload]
    accounts: tuple[DemoAccount, ...]
    other_accounts: tuple[OtherAccount, ...]


@cache
def describe_demo() -> DemoDescription:
    text = files("tag_compliance.simulator.demo").joinpath("organization.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), DemoDescription)


@dataclass(frozen=True, slots=True)
class DemoResource:
    """One resource; `region` is the one in which GetResources returns it."""

    region: str
    arn: str
    tags: Mapping[str, str]
    habit: TagHabit


def simulate_demo() -> SimulatedAws:
    """A simulated AWS with the demo organization; the base credentials are the scanner's."""
    demo, organization = describe_demo(), Organization()
    organization.management_account_id = _SCANNER_ACCOUNT_ID
    for other in demo.other_accounts:
        account = organization.add_account(other.account_id, roles=())
        account.name, account.state = other.name, other.state
        account.parent_id = _unit_of(organization, other.ou_path)
    for described in demo.accounts:
        roles = {_ROLE_NAME} if described.trusts_scanner else frozenset()
        account = organization.add_account(described.account_id, roles=roles)
        account.name = described.name
        account.parent_id = _unit_of(organization, described.ou_path)
        for resource in resources_of(described):
            if resource.habit is TagHabit.NEVER_TAGGED:
                account.put_never_tagged(resource.region, resource.arn)
            else:
                account.put(resource.region, resource.arn, resource.tags)
        for region in {*describe_demo().regions} - {*described.regions_without_index}:
            account.explorer[region] = SimulatedIndex()
        _put_principals(account, described)
        _put_auto_scaling_groups(account, described)
    return SimulatedAws(
        organization, base_account_id=_SCANNER_ACCOUNT_ID, base_user_name="tag-compliance"
    )


def _unit_of(organization: Organization, ou_path: str) -> str:
    """The id of the unit with this path, which is created if it is missing."""
    parent_id = ROOT_ID
    for name in filter(None, ou_path.split("/")):
        units = organization.units.values()
        found = (u.unit_id for u in units if (u.name, u.parent_id) == (name, parent_id))
        parent_id = next(found, None) or organization.add_unit(name, parent_id)
    return parent_id


def resources_of(account: DemoAccount) -> Iterator[DemoResource]:
    """Every resource of the account, in the same order each time."""
    habits = cycle(account.habits)
    for region, project, resource_type, number in _inventory(account):
        habit = next(habits)
        # At most 32 characters, the limit of a load balancer's name.
        name = f"{project}-{resource_type.partition(':')[2]}-{number}"
        tags = habit.apply(_complete_tags(account, project, name))
        yield DemoResource(
            region, arn_of(resource_type, account.account_id, region, name), tags, habit
        )


def _complete_tags(account: DemoAccount, project: str, name: str) -> dict[str, str]:
    workload = describe_demo().workloads[project]
    return {
        "Name": name,
        "Owner": workload.owner,
        "Environment": account.environment,
        "CostCenter": workload.cost_center,
        "Project": project,
    }


def _put_principals(simulated: Account, account: DemoAccount) -> None:
    """The roles that AWS owns, the roles of the workloads, and users, who were never tagged."""
    for name in describe_demo().aws_owned_roles:
        simulated.put_principal(f"role/{name}")
    habits = cycle(account.habits)
    for project in sorted({p for projects in account.workloads.values() for p in projects}):
        for role in describe_demo().workloads[project].roles:
            name = f"{project}-{role}"
            tags = next(habits).apply(_complete_tags(account, project, name))
            simulated.put_principal(f"role/{project}/{name}", tags)
    for user in account.users:
        simulated.put_principal(f"user/{user}")


def _put_auto_scaling_groups(simulated: Account, account: DemoAccount) -> None:
    habits = cycle(account.habits)
    for region, projects in account.workloads.items():
        for project in projects:
            for number in range(1, describe_demo().workloads[project].auto_scaling_groups + 1):
                name = f"{project}-workers-{number}"
                tags = next(habits).apply(_complete_tags(account, project, name))
                simulated.put_auto_scaling_group(region, name, tags)


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
        "organization": {"exclude": [_SCANNER_ACCOUNT_ID], "regions": [*demo.regions]},
        "regions": [*demo.regions],
        "assume_role_name_template": _ROLE_NAME,
        "REQUIRED_TAGS": [*REQUIRED_TAGS],
        "owner_tags": ["Owner"],
        "excluded_resource_types": ["ecs:task", "eks:pod", "elasticloadbalancing:targetgroup"],
        # Not `count`: the region without an index would count as not read.
        "never_tagged": "report",
        "refresh_interval": 300,
        "storage": str(storage),
    }
    return yaml.safe_dump(values, sort_keys=False)
