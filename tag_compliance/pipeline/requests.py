"""What to ask of Dagster for one scan: a run, or several and then one that publishes."""

from collections.abc import Iterable, Iterator

import dagster as dg

from tag_compliance.config import Config
from tag_compliance.domain.clock import utc_now
from tag_compliance.pipeline.partitions import range_tags, sync_partitions
from tag_compliance.pipeline.runs import (
    FOLLOWS_TAG,
    METRIC_SNAPSHOT,
    ONE_AT_A_TIME,
    PART_TAG,
    PARTS_TAG,
    RAW_RESOURCES,
    RUN_CONFIG,
    SCAN_TAG,
    TRIGGER_TAG,
    scan_id,
)

READING = ("scan_config", RAW_RESOURCES)
PUBLISHING = ("compliance_results", METRIC_SNAPSHOT)


def scan_requests(
    instance: dg.DagsterInstance, config: Config, trigger: str, key: str, prefix: list[str]
) -> list[dg.RunRequest]:
    """Brings the partitions in step, and shares the accounts out over as many runs as it takes.

    Equal `key`s ask for a scan once only.
    """
    accounts = sync_partitions(instance, config)
    size = config.max_accounts_per_run or len(accounts)
    parts = [accounts[start : start + size] for start in range(0, len(accounts), size)]
    tags = {TRIGGER_TAG: trigger}
    if len(parts) == 1:
        ranged = range_tags(accounts[0], accounts[-1])
        return [_request(f"{trigger}-{key}", {**tags, **ONE_AT_A_TIME, **ranged})]
    tags |= {SCAN_TAG: scan_id(utc_now()), PARTS_TAG: str(len(parts))}
    return [
        _request(
            f"{trigger}-{key}-{number}",
            {**tags, PART_TAG: str(number), **range_tags(part[0], part[-1])},
            _keys(prefix, READING),
        )
        for number, part in enumerate(parts, 1)
    ]


def faulty_request(trigger: str, key: str, prefix: list[str]) -> dg.RunRequest:
    """The run that fails for a configuration with faults, and names them where a person looks."""
    return _request(f"{trigger}-{key}", {TRIGGER_TAG: trigger}, _keys(prefix, ["scan_config"]))


def publish_request(scan: str, trigger: str, prefix: list[str]) -> dg.RunRequest:
    """The run that judges what the parts of a scan have read, and publishes it."""
    return _request(
        f"publish-{scan}",
        {TRIGGER_TAG: trigger, SCAN_TAG: scan},
        _keys(prefix, PUBLISHING),
    )


def follow_request(run_id: str, prefix: list[str]) -> dg.RunRequest:
    """The run that judges and publishes anew after one that has read accounts alone."""
    return _request(
        f"follow-{run_id}",
        {TRIGGER_TAG: "ui", FOLLOWS_TAG: run_id, **ONE_AT_A_TIME},
        _keys(prefix, PUBLISHING),
    )


def _keys(prefix: list[str], names: Iterable[str]) -> list[dg.AssetKey]:
    return [dg.AssetKey([*prefix, name]) for name in names]


def _request(
    key: str, tags: dict[str, str], selection: list[dg.AssetKey] | None = None
) -> dg.RunRequest:
    return dg.RunRequest(run_key=key, run_config=RUN_CONFIG, tags=tags, asset_selection=selection)


def parts_of(instance: dg.DagsterInstance, scan: str) -> Iterator[dg.RunRecord]:
    """The runs that read a part of this scan's accounts."""
    for record in instance.get_run_records(filters=dg.RunsFilter(tags={SCAN_TAG: scan})):
        if PART_TAG in record.dagster_run.tags:
            yield record
