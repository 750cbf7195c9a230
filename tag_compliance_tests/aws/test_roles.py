"""The configuration determines which roles are assumed, and how."""

from __future__ import annotations

from typing import Any

import pytest

from tag_compliance.aws.targets import RoleStep, role_steps, targets_of
from tag_compliance.config import Config

ID = "012345678901"
OWN = f"arn:aws:iam::{ID}:role/team/reader"
HUB = "arn:aws:iam::999999999999:role/hub"


def steps_of(region: str = "us-east-1", **settings: Any) -> tuple[RoleStep, ...]:
    config = Config.model_validate(
        {
            "aws_account_matrix": [{"account_id": ID, "regions": [region]}],
            "REQUIRED_TAGS": ["Owner"],
            **settings,
        }
    )
    return role_steps(config, targets_of(config)[0])


def test_without_template_and_override_no_role_is_assumed() -> None:
    assert steps_of(external_id="blue", via_role_arn=HUB) == ()


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_template_becomes_an_arn_in_the_regions_partition(region: str, partition: str) -> None:
    (step,) = steps_of(region, assume_role_name_template="terraform")

    assert step == RoleStep(f"arn:{partition}:iam::{ID}:role/terraform", "tag-compliance", 3600)


def test_the_template_may_contain_the_account_id() -> None:
    (step,) = steps_of(assume_role_name_template="team/reader-{account_id}")

    assert step.role_arn == f"arn:aws:iam::{ID}:role/team/reader-{ID}"


def test_an_override_replaces_the_template() -> None:
    (step,) = steps_of(
        assume_role_name_template="terraform", aws_account_overrides={ID: {"role_arn": OWN}}
    )

    assert step.role_arn == OWN


def test_the_settings_of_assuming_a_role_apply_to_all_accounts() -> None:
    (step,) = steps_of(
        assume_role_name_template="terraform",
        external_id="blue",
        role_session_name="auditor",
        session_duration=7200,
    )

    assert step == RoleStep(f"arn:aws:iam::{ID}:role/terraform", "auditor", 7200, "blue")


def test_an_account_can_override_the_settings_of_assuming_its_role() -> None:
    own = {"external_id": "red", "role_session_name": "own", "session_duration": 900}
    (step,) = steps_of(
        assume_role_name_template="terraform",
        external_id="blue",
        role_session_name="auditor",
        session_duration=7200,
        aws_account_overrides={ID: own},
    )

    assert step == RoleStep(f"arn:aws:iam::{ID}:role/terraform", "own", 900, "red")


@pytest.mark.parametrize("globally", [True, False])
def test_a_chain_starts_with_the_hub_role_and_lasts_one_hour_at_most(globally: bool) -> None:
    chain: dict[str, Any] = {"via_role_arn": HUB}
    steps = steps_of(
        assume_role_name_template="terraform",
        external_id="blue",
        session_duration=7200,
        **(chain if globally else {"aws_account_overrides": {ID: chain}}),
    )

    assert steps == (
        RoleStep(HUB, "tag-compliance", 3600),
        RoleStep(f"arn:aws:iam::{ID}:role/terraform", "tag-compliance", 3600, "blue"),
    )
