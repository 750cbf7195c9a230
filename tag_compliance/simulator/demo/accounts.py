"""The accounts of the demo organization: what runs in them, and how their people tag.

Account 555555555555 belongs to a company that was bought and is not integrated yet: its role does
not trust the scanner. It is in the configuration, and reading it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tag_compliance.simulator.demo.tag_habit import TagHabit
from tag_compliance.simulator.demo.workload import (
    CHECKOUT,
    EXPERIMENTS,
    STOREFRONT,
    WAREHOUSE,
    Workload,
)

REGIONS = ("us-east-1", "eu-west-1", "eu-central-1")


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account: its workloads by region, and the habits of its people."""

    account_id: str
    name: str
    environment: str
    workloads: Mapping[str, tuple[Workload, ...]]
    habits: tuple[TagHabit, ...]
    """The resources of the account have these habits in turn."""
    trusts_scanner: bool = True


_COMPLETE = TagHabit.COMPLETE

ACCOUNTS = (
    DemoAccount(
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
    DemoAccount(
        account_id="222222222222",
        name="staging",
        environment="staging",
        # eu-central-1 is scanned and empty, so it has no percentages.
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
    DemoAccount(
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
    DemoAccount(
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
    DemoAccount(
        account_id="555555555555",
        name="acquired",
        environment="production",
        workloads={},
        habits=(_COMPLETE,),
        trusts_scanner=False,
    ),
)
