"""The simulated organization: accounts, their regions, and whom their roles trust."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from tag_compliance_tests.fake_aws.resources import FakeResource, ListedResources, Resources


@dataclass
class Account:
    account_id: str
    partition: str = "aws"
    roles: Collection[str] | None = None
    """Names of the roles that may be assumed, with their paths; None means any name."""
    external_id: str | None = None
    regions: dict[str, Resources] = field(default_factory=dict)
    disabled_regions: set[str] = field(default_factory=set)

    def put(self, region: str, arn: str, tags: Mapping[str, str] | None = None) -> FakeResource:
        listed = self.regions.setdefault(region, ListedResources())
        if not isinstance(listed, ListedResources):
            raise TypeError(f"the resources of {self.account_id} {region} are generated")
        resource = FakeResource(arn, tags or {})
        listed.append(resource)
        return resource

    def resources(self, region: str) -> Resources:
        return self.regions.get(region) or ListedResources()

    def disable_region(self, region: str) -> None:
        self.disabled_regions.add(region)

    def trusts(self, role: str, external_id: str | None) -> bool:
        is_known = self.roles is None or role in self.roles
        return is_known and self.external_id in (None, external_id)


class Organization:
    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def __len__(self) -> int:
        return len(self._accounts)

    def __getitem__(self, account_id: str) -> Account:
        return self._accounts[account_id]

    def get(self, account_id: str) -> Account | None:
        return self._accounts.get(account_id)

    def add_account(
        self,
        account_id: str,
        *,
        partition: str = "aws",
        roles: Collection[str] | None = None,
        external_id: str | None = None,
    ) -> Account:
        if account_id in self._accounts:
            raise ValueError(f"account {account_id} is in the organization already")
        account = Account(account_id, partition, roles, external_id)
        self._accounts[account_id] = account
        return account
