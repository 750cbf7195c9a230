"""Assembles the Dagster definitions, for this code location or for another team's."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from tag_compliance.config import Config, overriding_variables
from tag_compliance.pipeline import assets, metadata
from tag_compliance.pipeline.alerts import build_alert_sensors
from tag_compliance.pipeline.git_source import GitSource
from tag_compliance.pipeline.housekeeping import build_housekeeping
from tag_compliance.pipeline.io_manager import TableIOManager
from tag_compliance.pipeline.resources import (
    AwsResource,
    ConfigurationResource,
    HeartbeatResource,
    ProgressResource,
)
from tag_compliance.pipeline.run_log import build_run_logger
from tag_compliance.pipeline.run_tags import (
    COMPLIANCE_RESULTS,
    METRIC_SNAPSHOT,
    POLICY,
    PUBLISH_JOB,
    RAW_RESOURCES,
    RUN_CONFIG,
    SCAN_CONFIG,
    SCAN_JOB,
    VIOLATION_HISTORY,
    definitions_tags,
)
from tag_compliance.pipeline.schedule import Cadence, Claims, build_schedule
from tag_compliance.pipeline.sensors import build_catch_up_sensor, build_publish_sensor

DEFAULT_GROUP = "tag_compliance"
_STALE_AFTER_SCANS = 3
_DEFAULTS = Config.model_fields


def build_definitions(  # noqa: PLR0913 - what another code location can choose
    config_path: Path,
    config: Config | None,
    environment: Mapping[str, str],
    *,
    key_prefix: Sequence[str] = (),
    group_name: str = DEFAULT_GROUP,
    progress: ProgressResource | None = None,
    source: GitSource | None = None,
) -> dg.Definitions:
    """All definitions of this project, for a separate code location or `dg.Definitions.merge`.

    Each run and each tick reads the file at `config_path`; the variables in `environment` override
    it. `config` is its current content, from which Dagster takes the schedule's interval, the
    owners and the alert hook until the code location is reloaded; None means the defaults.
    `key_prefix` and `group_name` place the assets in a larger catalog. With `source`, the assets
    link to a Git server instead of local files. The resource keys are `configuration`, `heartbeat`,
    `scan_progress`, `tag_compliance_aws` and `tag_compliance_io`, which do not collide with the
    default keys of other code locations.
    """
    with assets.beta_features_accepted():
        return _build(
            config_path, config, environment, list(key_prefix), group_name, progress, source
        )


def _build(  # noqa: PLR0913, PLR0917
    config_path: Path,
    config: Config | None,
    environment: Mapping[str, str],
    prefix: list[str],
    group_name: str,
    progress: ProgressResource | None,
    source: GitSource | None,
) -> dg.Definitions:
    cadence, claims = Cadence(_refresh_seconds(config)), Claims()
    own_assets = _assets(prefix, group_name, config)
    if source is not None:
        own_assets = source.link(own_assets)
    keys = [key for definition in own_assets for key in definition.keys]
    housekeeping, housekeeping_schedule = build_housekeeping(keys, prefix)
    return dg.Definitions(
        assets=[
            *own_assets,
            assets.POLICY_SPEC.replace_attributes(
                key=[*prefix, POLICY], group_name=group_name, owners=config.owners if config else ()
            ),
        ],
        jobs=[*_jobs(prefix), housekeeping],
        schedules=[build_schedule(cadence, prefix, claims), housekeeping_schedule],
        sensors=[
            build_catch_up_sensor(cadence, prefix, claims),
            build_publish_sensor(prefix),
            *build_alert_sensors(config.alert_hook if config else None, prefix),
        ],
        executor=dg.in_process_executor,
        loggers={"console": build_run_logger(environment)},
        resources=_resources(config_path, environment, progress),
    )


def _refresh_seconds(config: Config | None) -> int:
    seconds: int = config.refresh_interval if config else _DEFAULTS["refresh_interval"].default
    return seconds


def _jobs(prefix: list[str]) -> Iterator[Any]:
    """A scan is one or more runs of the first job, and then one run of the second."""
    for name, assets_of_job, description in (
        (SCAN_JOB, (SCAN_CONFIG, RAW_RESOURCES), "Reads and evaluates every account."),
        (
            PUBLISH_JOB,
            (COMPLIANCE_RESULTS, VIOLATION_HISTORY, METRIC_SNAPSHOT),
            "Publishes what was read.",
        ),
    ):
        keys = [dg.AssetKey([*prefix, asset]) for asset in assets_of_job]
        yield dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(*keys),
            description=description,
            executor_def=dg.in_process_executor,
            tags=definitions_tags(prefix),
            # Dagster uses only the loggers that the run configuration names.
            config=RUN_CONFIG,
        )


def _resources(
    config_path: Path, environment: Mapping[str, str], progress: ProgressResource | None
) -> dict[str, object]:
    configuration = ConfigurationResource.of(config_path, overriding_variables(environment))
    return {
        "configuration": configuration,
        "tag_compliance_aws": AwsResource(),
        "heartbeat": HeartbeatResource(configuration=configuration),
        "scan_progress": progress or ProgressResource(),
        assets.IO_MANAGER: TableIOManager(configuration=configuration),
    }


def _assets(prefix: list[str], group_name: str, config: Config | None) -> list[dg.AssetsDefinition]:
    owners = config.owners if config else ()
    storage = config.storage if config else _DEFAULTS["storage"].default
    refresh_seconds = _refresh_seconds(config)
    loaded = dg.load_assets_from_modules([assets], key_prefix=prefix, group_name=group_name)
    stale = timedelta(seconds=max(60, _STALE_AFTER_SCANS * refresh_seconds))

    def described(spec: dg.AssetSpec) -> dg.AssetSpec:
        tags = {**spec.tags, "domain": "compliance"}
        name = spec.key.path[-1]
        about = {**spec.metadata, **metadata.of_asset(name, storage)}
        owned: dg.AssetSpec = spec.replace_attributes(owners=owners, tags=tags, metadata=about)
        if name == SCAN_CONFIG:
            return owned.replace_attributes(deps=[dg.AssetKey([*prefix, POLICY])])
        if name != METRIC_SNAPSHOT:
            return owned
        policy = dg.FreshnessPolicy.time_window(fail_window=stale)
        return owned.replace_attributes(freshness_policy=policy)

    definitions = [a for a in loaded if isinstance(a, dg.AssetsDefinition)]
    mapped = dg.map_asset_specs(described, definitions)
    referenced = dg.with_source_code_references(mapped)
    return [a for a in referenced if isinstance(a, dg.AssetsDefinition)]


def use_system_allocator() -> None:
    """Call this where a process that scans is set up, before it reads anything.

    mimalloc, Arrow's default, keeps a heap for each of the many reading threads. The system's
    allocator lowers the peak memory of a scan: 433 instead of 510 MB for 20 accounts with 4 regions
    of 1,000 resources, 1,080 instead of 1,150 MB for 200 accounts with 5.
    """
    pa.set_memory_pool(pa.system_memory_pool())
