"""The accounts of a simulated organization: their units, regions, resources and roles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from tag_compliance.simulator.credentials import BASE_ACCOUNT_ID
from tag_compliance.simulator.explorer_index import SimulatedIndex


@dataclass(frozen=True, slots=True)
class SimulatedResource:
    """One resource and its tags; without tags, it is one whose tags were removed."""

    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)

    def render(self) -> bytes:
        """Its JSON object in a response of GetResources."""
        mapping = {
            "ResourceARN": self.arn,
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }
        return json.dumps(mapping, separators=(",", ":"), ensure_ascii=False).encode()


class Resources(Protocol):
    """The resources of a region that GetResources returns, listed or generated."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[SimulatedResource]: ...

    def render(self, start: int, stop: int) -> bytes:
        """The JSON objects from start to stop, separated by commas, without the brackets."""
        ...


class ListedResources:
    """Resources that are added one by one, and rendered when they are added."""

    def __init__(self) -> None:
        self._resources: list[SimulatedResource] = []
        self._rendered: list[bytes] = []

    def __len__(self) -> int:
        return len(self._resources)

    def __iter__(self) -> Iterator[SimulatedResource]:
        return iter(self._resources)

    def append(self, resource: SimulatedResource) -> None:
        """Add one at the end."""
        self._resources.append(resource)
        self._rendered.append(resource.render())

    def render(self, start: int, stop: int) -> bytes:
        """As in `Resources`."""
        return b",".join(self._rendered[start:stop])


ORGANIZATION_ID, ROOT_ID = "o-simulated01", "r-ab12"


@dataclass(frozen=True, slots=True)
class Unit:
    """An organizational unit; its parent is a unit or the root."""

    unit_id: str
    name: str
    parent_id: str


@dataclass
class Account:
    """One AWS account."""

    account_id: str
    partition: str = "aws"
    roles: Collection[str] | None = None
    """Names, with paths, of the roles that trust every caller; None: any name is such a role."""
    external_id: str | None = None
    """The external id without which its roles trust nobody."""
    regions: dict[str, Resources] = field(default_factory=dict)
    """The resources that have, or once had, tags."""
    never_tagged: dict[str, list[SimulatedResource]] = field(default_factory=dict)
    """The resources that never had a tag, by region. GetResources does not return them."""
    roles_and_users: list[SimulatedResource] = field(default_factory=list)
    """IAM roles and users, tagged or not. GetResources does not return them."""
    auto_scaling_groups: dict[str, list[SimulatedResource]] = field(default_factory=dict)
    """Auto Scaling groups by region, tagged or not. GetResources does not return them."""
    explorer: dict[str, SimulatedIndex] = field(default_factory=dict)
    """The indexes of Resource Explorer, by region."""
    disabled_regions: set[str] = field(default_factory=set)
    opted_in_regions: set[str] = field(default_factory=set)
    """The regions that the account has enabled, of those that accounts must enable."""
    name: str = ""
    """In AWS Organizations."""
    state: str = "ACTIVE"
    """In AWS Organizations: the field `State`."""
    parent_id: str = ROOT_ID
    """The unit or root that the account is directly below."""
    account_tags: dict[str, str] = field(default_factory=dict)
    """The tags that the account has in AWS Organizations."""
    tag_policy: Mapping[str, object] | None = None
    """The effective tag policy, without operators; None: no tag policy applies to the account."""
    required_tags: dict[str, list[str]] = field(default_factory=dict)
    """The keys that the tag policy requires, by type, as ListRequiredTags returns them."""

    def put(self, region: str, arn: str, tags: Mapping[str, str] | None = None) -> None:
        """Add a resource with these tags; without tags, one whose tags were removed."""
        listed = self.regions.setdefault(region, ListedResources())
        if not isinstance(listed, ListedResources):
            raise TypeError(f"the resources of {self.account_id} {region} are generated")
        listed.append(SimulatedResource(arn, tags or {}))

    def put_never_tagged(self, region: str, arn: str) -> None:
        """Add a resource that never had a tag."""
        self.never_tagged.setdefault(region, []).append(SimulatedResource(arn))

    def put_principal(self, name: str, tags: Mapping[str, str] | None = None) -> str:
        """Add a role or a user, as in `role/path/name` or `user/name`; returns its ARN."""
        arn = f"arn:{self.partition}:iam::{self.account_id}:{name}"
        self.roles_and_users.append(SimulatedResource(arn, tags or {}))
        return arn

    def put_auto_scaling_group(
        self, region: str, name: str, tags: Mapping[str, str] | None = None
    ) -> str:
        """Add an Auto Scaling group; returns its ARN."""
        # The id is derived from the name, so that equal calls lead to equal ARNs.
        group_id = uuid5(NAMESPACE_URL, f"{self.account_id}/{region}/{name}")
        arn = (
            f"arn:{self.partition}:autoscaling:{region}:{self.account_id}:"
            f"autoScalingGroup:{group_id}:autoScalingGroupName/{name}"
        )
        groups = self.auto_scaling_groups.setdefault(region, [])
        groups.append(SimulatedResource(arn, tags or {}))
        return arn

    def resources(self, region: str) -> Resources:
        """What GetResources returns in a region."""
        return self.regions.get(region) or ListedResources()

    def disable_region(self, region: str) -> None:
        """Make the region one that the account has not enabled."""
        self.disabled_regions.add(region)

    def trusts(self, role: str, external_id: str | None) -> bool:
        """Whether a caller with this external id may assume the role."""
        is_known = self.roles is None or role in self.roles
        return is_known and self.external_id in (None, external_id)


class Organization:
    """Accounts by id, in the order in which they were added.

    `management_account_id` and the `administrators` may call AWS Organizations.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self.units: dict[str, Unit] = {}
        self.management_account_id = BASE_ACCOUNT_ID
        self.administrators: set[str] = set()

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def __getitem__(self, account_id: str) -> Account:
        return self._accounts[account_id]

    def get(self, account_id: str) -> Account | None:
        """The account, or None if the organization does not have it."""
        return self._accounts.get(account_id)

    def add_account(
        self,
        account_id: str,
        *,
        partition: str = "aws",
        roles: Collection[str] | None = None,
        external_id: str | None = None,
    ) -> Account:
        """Add an account without resources."""
        account = Account(account_id, partition, roles, external_id)
        self._accounts[account_id] = account
        return account

    def remove_account(self, account_id: str) -> None:
        """The account has left the organization."""
        del self._accounts[account_id]

    def add_unit(self, name: str, parent_id: str = ROOT_ID) -> str:
        """Add an organizational unit; returns its id, which AWS chooses."""
        digest = hashlib.sha256(f"{parent_id}/{name}/{len(self.units)}".encode()).hexdigest()
        unit = Unit(f"ou-ab12-{digest[:8]}", name, parent_id)
        self.units[unit.unit_id] = unit
        return unit.unit_id

    def path(self, account: Account) -> str:
        """As in the field `Paths` of an account: ids from the organization to the account."""
        ids, parent_id = [account.account_id], account.parent_id
        while parent_id in self.units:
            ids.append(parent_id)
            parent_id = self.units[parent_id].parent_id
        return "/".join([ORGANIZATION_ID, ROOT_ID, *reversed(ids)]) + "/"
