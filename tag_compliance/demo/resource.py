"""The resources that the simulated organization consists of, each with the tags it got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tag_compliance.demo.organization import GLOBAL_REGION, SimulatedAccount
from tag_compliance.demo.tag_habit import TagHabit
from tag_compliance.demo.workload import Workload

__all__ = ["SimulatedResource", "resources_of"]

_GLOBAL_KINDS = frozenset({"cloudfront:distribution"})

# The kinds whose tags moto's UntagResources can remove; it answers 404 for the others. A resource
# of another kind keeps its name instead.
_REMOVABLE_KINDS = frozenset(
    {
        "cloudwatch:alarm",
        "dynamodb:table",
        "ec2:instance",
        "ec2:security-group",
        "ec2:volume",
        "ec2:vpc",
        "elasticfilesystem:file-system",
        "kms:key",
        "logs:log-group",
        "rds:db",
        "s3:bucket",
        "secretsmanager:secret",
    }
)


@dataclass(frozen=True, slots=True)
class SimulatedResource:
    """One resource to create; `kind` is `service:type` as its ARN will say."""

    account_id: str
    region: str
    kind: str
    name: str
    tags: Mapping[str, str]
    habit: TagHabit

    @property
    def is_returned(self) -> bool:
        """Whether GetResources returns it: untagged later, yes; never tagged, no."""
        return self.habit is not TagHabit.NEVER_TAGGED

    @property
    def remaining_tags(self) -> Mapping[str, str]:
        """What GetResources shows of its tags."""
        return MappingProxyType({}) if self.habit is TagHabit.REMOVED else self.tags

    def tag_list(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """The tags as most services take them; some write the two words differently."""
        return [{key: name, value: text} for name, text in self.tags.items()]


def resources_of(account: SimulatedAccount) -> Iterator[SimulatedResource]:
    """Every resource of the account, the same ones in the same order each time."""
    position = 0
    for region, workloads in account.workloads.items():
        for workload in workloads:
            for kind, count in workload.kinds.items():
                if kind in _GLOBAL_KINDS and region != GLOBAL_REGION:
                    continue
                for number in range(1, count + 1):
                    habit = account.habits[position % len(account.habits)]
                    if habit is TagHabit.REMOVED and kind not in _REMOVABLE_KINDS:
                        habit = TagHabit.NAME_ONLY
                    # At most the 32 characters of a load balancer's name, the tightest limit.
                    name = f"{workload.project}-{kind.partition(':')[2]}-{number}"
                    tags = habit.applied_to(_complete_tags(account, workload, name))
                    yield SimulatedResource(account.account_id, region, kind, name, tags, habit)
                    position += 1


def _complete_tags(account: SimulatedAccount, workload: Workload, name: str) -> Mapping[str, str]:
    return {
        "Name": name,
        "Owner": workload.owner,
        "Environment": account.environment,
        "CostCenter": workload.cost_center,
        "Project": workload.project,
    }
