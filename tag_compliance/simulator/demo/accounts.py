"""The accounts of the demo organization, as `organization.yaml` describes them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec
import yaml

from tag_compliance.simulator.demo.tag_habit import TagHabit


class Workload(msgspec.Struct, frozen=True):
    """A product of a team: its owner, its cost center, and its resources by type."""

    owner: str
    cost_center: str
    resource_types: Mapping[str, int]


class DemoAccount(msgspec.Struct, frozen=True):
    """An account: the names of its workloads by region, and the habits of its people."""

    account_id: str
    name: str
    environment: str
    workloads: Mapping[str, tuple[str, ...]] = {}
    habits: tuple[TagHabit, ...] = ()
    trusts_scanner: bool = True


class DemoDescription(msgspec.Struct, frozen=True):
    """The content of `organization.yaml`."""

    regions: tuple[str, ...]
    workloads: Mapping[str, Workload]
    accounts: tuple[DemoAccount, ...]


@cache
def describe_demo() -> DemoDescription:
    text = files("tag_compliance.simulator.demo").joinpath("organization.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), DemoDescription)
