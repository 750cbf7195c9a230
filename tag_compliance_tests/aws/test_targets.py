"""The targets of a scan are the configured accounts."""

from __future__ import annotations

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target

FIRST, SECOND, THIRD = "333333333333", "111111111111", "222222222222"


def config() -> Config:
    rows = [
        {"account_id": FIRST, "account_name": "payments", "regions": ["eu-west-1", "us-east-1"]},
        {"account_id": SECOND, "regions": ["eu-north-1"]},
        {"account_id": THIRD, "regions": ["eu-north-1"]},
    ]
    return Config.model_validate({"aws_account_matrix": rows, "REQUIRED_TAGS": ["Owner"]})


def test_each_account_is_a_target_with_its_name_and_regions_in_the_configured_order() -> None:
    stockholm = (RegionName("eu-north-1"),)

    assert targets_of(config()) == (
        Target(
            AccountId(FIRST),
            AccountName("payments"),
            (RegionName("eu-west-1"), RegionName("us-east-1")),
        ),
        Target(AccountId(SECOND), AccountName(SECOND), stockholm),
        Target(AccountId(THIRD), AccountName(THIRD), stockholm),
    )


def test_chosen_accounts_are_in_the_configured_order() -> None:
    chosen = targets_of(config(), [THIRD, FIRST])

    assert [target.account_id for target in chosen] == [FIRST, THIRD]


def test_an_empty_choice_has_no_targets() -> None:
    assert targets_of(config(), []) == ()
