"""The settings of Dagster that it reads only from the environment."""

from __future__ import annotations

import pytest

from tag_compliance.cli.dagster_home import MOST_PLANNED_ACCOUNTS, event_settings


@pytest.mark.parametrize(
    ("accounts", "planned"),
    [(1, None), (MOST_PLANNED_ACCOUNTS, None), (MOST_PLANNED_ACCOUNTS + 1, "true")],
)
def test_only_a_scan_of_very_many_accounts_plans_them_in_a_single_event(
    accounts: int, planned: str | None
) -> None:
    settings = event_settings(accounts)
    assert settings.get("DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS") == planned
