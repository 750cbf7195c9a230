"""The runs to request from Dagster: those that read the accounts, and the one that publishes.

Each account is a partition; the partitions follow the configuration without a reload.
"""

from collections.abc import Iterable

import dagster as dg

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.domain.clock import utc_now
from tag_compliance.pipeline.run_tags import (
    ONE_AT_A_TIME,
    PARTS_TAG,
    PUBLISH_JOB,
    PUBLISHES_TAG,
    RUN_CONFIG,
    SCAN_CONFIG,
    SCAN_JOB,
    SCAN_TAG,
    TRIGGER_TAG,
    scan_id,
)

ACCOUNTS = dg.DynamicPartitionsDefinition(name="account")


def sync_partitions(instance: dg.DagsterInstance, config: Config) -> list[str]:
    """Adds the configured accounts, removes the others; returns the keys in Dagster's order."""
    name = ACCOUNTS.name or ""
    wanted = {str(target.account_id) for target in targets_of(config)}
    for gone in set(instance.get_dynamic_partitions(name)) - wanted:
        instance.delete_dynamic_partition(name, gone)
    return add_partitions(instance, config)


def add_partitions(instance: dg.DagsterInstance, config: Config) -> list[str]:
    """Adds the configured accounts; returns the keys in Dagster's order.

    That is safe during a scan, because it does not change the range of accounts of a run.
    """
    name = ACCOUNTS.name or ""
    there = set(instance.get_dynamic_partitions(name))
    wanted = [str(target.account_id) for target in targets_of(config)]
    if new := [account_id for account_id in wanted if account_id not in there]:
        instance.add_dynamic_partitions(name, new)
    return list(instance.get_dynamic_partitions(name))


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags that Dagster itself sets on one run over the partitions from `first` to `last`."""
    start, end = (f"dagster/asset_partition_range_{limit}" for limit in ("start", "end"))
    return {start: first, end: last}


def scan_requests(
    instance: dg.DagsterInstance, config: Config, trigger: str, key: str
) -> list[dg.RunRequest]:
    """The reading runs of one scan: as many as `max_accounts_per_run` requires.

    Brings the partitions in line with the configuration. Equal `key`s request a scan only once.
    """
    accounts = sync_partitions(instance, config)
    size = config.max_accounts_per_run or len(accounts)
    parts = [accounts[start : start + size] for start in range(0, len(accounts), size)]
    tags = {TRIGGER_TAG: trigger, SCAN_TAG: scan_id(utc_now()), PARTS_TAG: str(len(parts))}
    if len(parts) == 1:
        tags |= ONE_AT_A_TIME
    return [
        _request(SCAN_JOB, f"{trigger}-{key}-{number}", tags | range_tags(part[0], part[-1]))
        for number, part in enumerate(parts, 1)
    ]


def faulty_request(trigger: str, key: str, prefix: list[str]) -> dg.RunRequest:
    """The run that fails because of a faulty configuration, and shows the faults in the UI."""
    selection = [dg.AssetKey([*prefix, SCAN_CONFIG])]
    return _request(SCAN_JOB, f"{trigger}-{key}", {TRIGGER_TAG: trigger}, selection)


def publish_request(reading: dg.DagsterRun, scan: str | None, attempt: int = 1) -> dg.RunRequest:
    """The publishing run after this reading run, which ended last.

    `scan` is the tag of the latest scan of all accounts: an account that this scan did not read has
    failed, even if a single account was read after it. Dagster ignores a second request with the
    same key, so each `attempt` after a killed run has its own.
    """
    tags = {
        TRIGGER_TAG: reading.tags.get(TRIGGER_TAG, "ui"),
        PUBLISHES_TAG: reading.run_id,
        **ONE_AT_A_TIME,
    }
    if scan is not None:
        tags[SCAN_TAG] = scan
    key = f"publish-{reading.run_id}" + (f"-{attempt}" if attempt > 1 else "")
    return _request(PUBLISH_JOB, key, tags)


def _request(
    job: str, key: str, tags: dict[str, str], selection: Iterable[dg.AssetKey] | None = None
) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=key,
        job_name=job,
        run_config=RUN_CONFIG,
        tags=tags,
        asset_selection=list(selection) if selection else None,
    )
