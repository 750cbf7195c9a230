"""Assembles the pipeline into Dagster definitions, for this code location or for a team's own."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import dagster as dg

from tag_compliance.config import Config
from tag_compliance.pipeline import assets
from tag_compliance.pipeline.alerts import build_alert_sensors
from tag_compliance.pipeline.automation import (
    build_catch_up_sensor,
    build_publish_sensor,
    build_schedule,
)
from tag_compliance.pipeline.cadence import Cadence
from tag_compliance.pipeline.heartbeat import HeartbeatResource
from tag_compliance.pipeline.housekeeping import build_housekeeping
from tag_compliance.pipeline.io import TableIOManager
from tag_compliance.pipeline.resources import ConfigurationResource, ProgressResource
from tag_compliance.pipeline.run_log import console
from tag_compliance.pipeline.runs import JOB, METRIC_SNAPSHOT, ONE_AT_A_TIME, RUN_CONFIG

DEFAULT_GROUP = "tag_compliance"
_STALE_AFTER_SCANS = 3


def build_definitions(
    config_path: Path,
    config: Config | None,
    *,
    key_prefix: Sequence[str] = (),
    group_name: str = DEFAULT_GROUP,
    progress: ProgressResource | None = None,
) -> dg.Definitions:
    """Everything of this project, to be loaded alone or merged: `dg.Definitions.merge(ours, …)`.

    Each run and each tick reads the file at `config_path` anew. `config` is what it holds now: the
    schedule's interval, the owners and the alert hook are Dagster's from when it loads; None takes
    the defaults of these. `key_prefix` and `group_name` place the assets in a larger catalog.
    Nothing here stands in the way of another code location's own default resources: the keys are
    `configuration`, `heartbeat`, `scan_progress` and `tag_compliance_io`.
    """
    prefix = list(key_prefix)
    seconds = config.refresh_interval if config else Config.model_fields["refresh_interval"].default
    cadence = Cadence(seconds)
    ours = _assets(prefix, group_name, config.owners if config else (), seconds)
    keys = [key for definition in ours for key in definition.keys]
    scan = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(*keys),
        description="Reads every account, judges what it finds, and publishes the snapshot.",
        executor_def=dg.in_process_executor,
        tags=ONE_AT_A_TIME if not (config and config.max_accounts_per_run) else {},
        # A logger that no run configuration names is not used.
        config=RUN_CONFIG,
    )
    housekeeping, housekeeping_schedule = build_housekeeping(keys)
    configuration = ConfigurationResource(path=str(config_path))
    return dg.Definitions(
        assets=ours,
        jobs=[scan, housekeeping],
        schedules=[build_schedule(cadence, prefix), housekeeping_schedule],
        sensors=[
            build_catch_up_sensor(cadence, prefix),
            build_publish_sensor(prefix),
            *build_alert_sensors(config.alert_hook if config else None),
        ],
        executor=dg.in_process_executor,
        loggers={"console": console},
        resources={
            "configuration": configuration,
            "heartbeat": HeartbeatResource(configuration=configuration),
            "scan_progress": progress or ProgressResource(),
            assets.IO_MANAGER: TableIOManager(configuration=configuration),
        },
    )


def _assets(
    prefix: list[str], group_name: str, owners: Sequence[str], refresh_seconds: int
) -> list[dg.AssetsDefinition]:
    loaded = dg.load_assets_from_modules([assets], key_prefix=prefix, group_name=group_name)
    stale = timedelta(seconds=max(60, _STALE_AFTER_SCANS * refresh_seconds))

    def described(spec: dg.AssetSpec) -> dg.AssetSpec:
        owned: dg.AssetSpec = spec.replace_attributes(
            owners=owners, tags={**spec.tags, "domain": "compliance"}
        )
        if spec.key.path[-1] != METRIC_SNAPSHOT:
            return owned
        policy = dg.FreshnessPolicy.time_window(fail_window=stale)
        return owned.replace_attributes(freshness_policy=policy)

    definitions = [a for a in loaded if isinstance(a, dg.AssetsDefinition)]
    mapped = dg.map_asset_specs(described, definitions)
    referenced = dg.with_source_code_references(mapped)
    return [a for a in referenced if isinstance(a, dg.AssetsDefinition)]
