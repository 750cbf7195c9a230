"""An account is shown to people with its id and its name."""

from __future__ import annotations

from tag_compliance.domain.account import AccountId, AccountName, display_name


def test_two_accounts_with_one_name_are_shown_differently() -> None:
    name = AccountName("shop")

    assert display_name(AccountId("111122223333"), name) == "111122223333 (shop)"
    assert display_name(AccountId("222233334444"), name) == "222233334444 (shop)"
