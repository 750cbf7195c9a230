"""The targets of a scan, from the configuration."""

from __future__ import annotations

from collections.abc import Collection

from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target


def targets_of(config: Config, account_ids: Collection[str] | None = None) -> tuple[Target, ...]:
    """The accounts to read, in the configured order; only these ids, if any are given."""
    return tuple(
        Target(
            AccountId(account.account_id),
            AccountName(account.account_name),
            tuple(RegionName(region) for region in account.regions),
        )
        for account in config.aws_account_matrix
        if account_ids is None or account.account_id in account_ids
    )
