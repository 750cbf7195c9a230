"""`tag-compliance up`: runs everything on one machine, as one foreground process tree."""

from __future__ import annotations

import os
from pathlib import Path

from tag_compliance.cli import options
from tag_compliance.cli.declaration import command


@command(
    "tag-compliance up --config /etc/tag-compliance/config.yaml",
    complete="stopped by SIGTERM or Ctrl-C",
    failed="a process could not start or ended; the others were stopped",
)
@options.config_option
@options.schedule_options
@options.serving_options
@options.logging_options
def up(
    config: Path, schedule: options.Schedule, serving: options.Serving, logs: options.Logs
) -> int:
    """Run everything on one machine: Dagster's UI, the schedule, the exporter.

    The first scan starts immediately. If a process ends, the others are stopped.
    """
    from tag_compliance.cli.process_tree import run_process_tree

    logs.configure()
    return run_process_tree(config, os.environ, schedule, serving, logs)
