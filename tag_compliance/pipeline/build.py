"""Assembles the pipeline into Dagster definitions."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from tag_compliance.pipeline.assets import ASSETS, IO_MANAGER
from tag_compliance.pipeline.automation import build_catch_up_sensor, build_schedule
from tag_compliance.pipeline.cadence import Cadence
from tag_compliance.pipeline.heartbeat import HeartbeatResource
from tag_compliance.pipeline.io import TableIOManager
from tag_compliance.pipeline.resources import ConfigurationResource, ProgressResource
from tag_compliance.pipeline.run_log import console
from tag_compliance.pipeline.runs import JOB, RUN_CONFIG, SCAN_TAGS


def build_definitions(
    config_path: Path, refresh_interval: int, progress: ProgressResource | None = None
) -> dg.Definitions:
    """Everything of this code location.

    The configuration is read by each run and each tick; `refresh_interval` alone is needed here,
    since Dagster wants a schedule's cron expression when it loads.
    """
    configuration = ConfigurationResource(path=str(config_path))
    cadence = Cadence(refresh_interval)
    scan = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(*ASSETS),
        description="Reads every account, judges what it finds, and publishes the snapshot.",
        executor_def=dg.in_process_executor,
        tags=SCAN_TAGS,
        # A logger that no run configuration names is not used.
        config=RUN_CONFIG,
    )
    return dg.Definitions(
        assets=ASSETS,
        jobs=[scan],
        schedules=[build_schedule(cadence)],
        sensors=[build_catch_up_sensor(cadence)],
        executor=dg.in_process_executor,
        loggers={"console": console},
        resources={
            "configuration": configuration,
            "heartbeat": HeartbeatResource(path=str(config_path)),
            "scan_progress": progress or ProgressResource(),
            IO_MANAGER: TableIOManager(configuration),
        },
    )
