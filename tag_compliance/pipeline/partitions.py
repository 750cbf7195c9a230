"""The partitions: one for each AWS account; they follow the configuration without a reload."""

from __future__ import annotations

import dagster as dg

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config

ACCOUNTS = dg.DynamicPartitionsDefinition(name="account")

# The tags that Dagster itself sets on a run over a range of partitions.
_RANGE_START, _RANGE_END = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)


def sync_partitions(instance: dg.DagsterInstance, config: Config) -> list[str]:
    """Adds the configured accounts, removes the others; returns the keys in Dagster's order."""
    name = ACCOUNTS.name or ""
    wanted = [str(target.account_id) for target in targets_of(config)]
    there = instance.get_dynamic_partitions(name)
    for gone in set(there) - set(wanted):
        instance.delete_dynamic_partition(name, gone)
    new = [account_id for account_id in wanted if account_id not in set(there)]
    if new:
        instance.add_dynamic_partitions(name, new)
    return list(instance.get_dynamic_partitions(name))


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags of one run over the partitions from `first` to `last`."""
    return {_RANGE_START: first, _RANGE_END: last}
