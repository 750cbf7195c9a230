"""The configuration determines which accounts are read, which roles are assumed, and how."""

from __future__ import annotations

from typing import Any

import pytest

from tag_compliance.aws.targets import RoleStep, role_steps, targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target
from tag_compliance_tests.support.config import settings_of

FIRST, SECOND, THIRD = "333333333333", "111111111111", "222222222222"
ID = "012345678901"
ROLE, OWN = f"arn:aws:iam::{ID}:role/terraform", f"arn:aws:iam::{ID}:role/team/reader"
HUB = "arn:aws:iam::999999999999:role/hub"
GLOBAL: dict[str, Any] = {
    "external_id": "blue",
    "role_session_name": "auditor",
    "session_duration": 7200,
}


@pytest.fixture
def config() -> Config:
    rows = [
        {"account_id": FIRST, "account_name": "payments", "regions": ["eu-west-1", "us-east-1"]},
        {"account_id": SECOND, "regions": ["eu-north-1"]},
        {"account_id": THIRD, "regions": ["eu-north-1"]},
    ]
    return Config.model_validate(settings_of(rows))


def steps_of(
    region: str = "us-east-1", own: dict[str, Any] | None = None, **settings: Any
) -> tuple[RoleStep, ...]:
    """The roles of one account with the overrides `own`; the template is `terraform`."""
    overrides = {ID: own} if own else {}
    row = {"account_id": ID, "regions": [region]}
    config = Config.model_validate(settings_of([row], aws_account_overrides=overrides, **settings))
    return role_steps(config, targets_of(config)[0])


def test_each_account_is_a_target_with_its_name_and_regions_in_the_configured_order(
    config: Config,
) -> None:
    stockholm = (RegionName("eu-north-1"),)

    assert targets_of(config) == (
        Target(
            AccountId(FIRST),
            AccountName("payments"),
            (RegionName("eu-west-1"), RegionName("us-east-1")),
        ),
        Target(AccountId(SECOND), AccountName(SECOND), stockholm),
        Target(AccountId(THIRD), AccountName(THIRD), stockholm),
    )


def test_chosen_accounts_are_in_the_configured_order(config: Config) -> None:
    assert [target.account_id for target in targets_of(config, [THIRD, FIRST])] == [FIRST, THIRD]


def test_an_empty_choice_has_no_targets(config: Config) -> None:
    assert targets_of(config, []) == ()


def test_without_template_and_override_no_role_is_assumed() -> None:
    settings: dict[str, Any] = {"external_id": "blue", "via_role_arn": HUB}

    assert steps_of(assume_role_name_template=None, **settings) == ()


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_template_becomes_an_arn_in_the_regions_partition(region: str, partition: str) -> None:
    role_arn = f"arn:{partition}:iam::{ID}:role/terraform"

    assert steps_of(region) == (RoleStep(role_arn, "tag-compliance", 3600),)


def test_the_template_may_contain_the_account_id() -> None:
    (step,) = steps_of(assume_role_name_template="team/reader-{account_id}")

    assert step.role_arn == f"arn:aws:iam::{ID}:role/team/reader-{ID}"


@pytest.mark.parametrize(
    ("own", "step"),
    [
        ({}, RoleStep(ROLE, "auditor", 7200, "blue")),
        ({"role_arn": OWN}, RoleStep(OWN, "auditor", 7200, "blue")),
        (
            {"external_id": "red", "role_session_name": "own", "session_duration": 900},
            RoleStep(ROLE, "own", 900, "red"),
        ),
    ],
    ids=["for all accounts", "own role", "own settings"],
)
def test_the_settings_of_an_account_override_those_of_all(
    own: dict[str, Any], step: RoleStep
) -> None:
    assert steps_of(own=own, **GLOBAL) == (step,)


@pytest.mark.parametrize("globally", [True, False])
def test_a_chain_starts_with_the_hub_role_and_lasts_one_hour_at_most(globally: bool) -> None:
    chain = {"via_role_arn": HUB}

    assert steps_of(own={} if globally else chain, **GLOBAL, **(chain if globally else {})) == (
        RoleStep(HUB, "auditor", 3600),
        RoleStep(ROLE, "auditor", 3600, "blue"),
    )
