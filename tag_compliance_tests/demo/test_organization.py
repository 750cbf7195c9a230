"""What the description of the simulated organization promises, without any AWS."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from tag_compliance.demo.organization import (
    ACCOUNTS,
    REGIONS,
    REQUIRED_TAGS,
    SimulatedAccount,
    demo_config,
)
from tag_compliance.demo.resource import resources_of
from tag_compliance.demo.tag_habit import TagHabit


def _account(name: str) -> SimulatedAccount:
    return next(account for account in ACCOUNTS if account.name == name)


def _compliant_share(account: SimulatedAccount) -> float:
    returned = [resource for resource in resources_of(account) if resource.is_returned]
    compliant = [
        resource for resource in returned if resource.remaining_tags.keys() >= set(REQUIRED_TAGS)
    ]
    return len(compliant) / len(returned)


def test_the_same_resources_are_described_each_time() -> None:
    assert all(list(resources_of(account)) == list(resources_of(account)) for account in ACCOUNTS)


def test_the_organization_has_between_100_and_250_resources() -> None:
    assert 100 <= sum(1 for account in ACCOUNTS for _ in resources_of(account)) <= 250


def test_production_is_tagged_best_and_the_sandbox_not_at_all() -> None:
    production, staging, sandbox = (
        _compliant_share(_account(name)) for name in ("production", "staging", "sandbox")
    )

    assert production > 0.9
    assert 0.3 < staging < 0.7
    assert sandbox == 0


def test_every_habit_is_shown_by_some_resource() -> None:
    shown = {resource.habit for account in ACCOUNTS for resource in resources_of(account)}

    assert shown == set(TagHabit)


def test_no_two_resources_of_a_kind_share_a_name_in_a_region() -> None:
    places = Counter(
        (resource.account_id, resource.region, resource.kind, resource.name)
        for account in ACCOUNTS
        for resource in resources_of(account)
    )

    assert max(places.values()) == 1


def test_names_fit_into_the_32_characters_of_a_load_balancer() -> None:
    assert all(
        len(resource.name) <= 32
        for account in ACCOUNTS
        for resource in resources_of(account)
        if resource.kind.startswith("elasticloadbalancing:")
    )


@pytest.mark.parametrize(
    ("habit", "tags"),
    [
        (TagHabit.COMPLETE, {"Name": "n", "Owner": "o", "CostCenter": "c", "Project": "p"}),
        (TagHabit.REMOVED, {"Name": "n", "Owner": "o", "CostCenter": "c", "Project": "p"}),
        (TagHabit.WITHOUT_COST_CENTER, {"Name": "n", "Owner": "o", "Project": "p"}),
        (TagHabit.WITHOUT_OWNER, {"Name": "n", "CostCenter": "c", "Project": "p"}),
        (
            TagHabit.OWNER_IN_LOWER_CASE,
            {"Name": "n", "owner": "o", "CostCenter": "c", "Project": "p"},
        ),
        (TagHabit.EMPTY_PROJECT, {"Name": "n", "Owner": "o", "CostCenter": "c", "Project": ""}),
        (TagHabit.NAME_ONLY, {"Name": "n"}),
        (TagHabit.NEVER_TAGGED, {}),
    ],
)
def test_a_habit_leaves_these_tags(habit: TagHabit, tags: dict[str, str]) -> None:
    complete = {"Name": "n", "Owner": "o", "CostCenter": "c", "Project": "p"}

    assert habit.applied_to(complete) == tags


def test_the_configuration_names_every_account_and_region() -> None:
    config = yaml.safe_load(demo_config(Path("/var/lib/demo")))

    assert config == {
        "aws_account_matrix": [
            {"account_id": account.account_id, "account_name": account.name, "regions": [*REGIONS]}
            for account in ACCOUNTS
        ],
        "assume_role_name_template": "terraform",
        "REQUIRED_TAGS": ["Owner", "Environment", "CostCenter", "Project"],
        "excluded_resource_types": ["ecs:task", "eks:pod", "elasticloadbalancing:targetgroup"],
        "refresh_interval": 300,
        "storage": "/var/lib/demo",
    }


def test_a_storage_folder_of_any_name_survives_the_configuration() -> None:
    folder = Path('/tmp/it\'s: a "folder" #1')

    assert yaml.safe_load(demo_config(folder))["storage"] == str(folder)
