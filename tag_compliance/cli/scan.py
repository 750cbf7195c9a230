"""`tag-compliance scan`: materializes every asset once, through Dagster."""

from __future__ import annotations

import os
from pathlib import Path

from tag_compliance.cli import options
from tag_compliance.cli.declaration import command
from tag_compliance.cli.exit_code import ExitCode


@command(
    "tag-compliance scan --output metrics.prom",
    complete="every account and region was read",
    partial="a snapshot was written, but an account or region failed",
    failed="nothing could be scanned, or the metrics could not be written",
)
@options.config_option
@options.output_options
@options.account_option("Scan only this account; the data of the others stay as they are.")
@options.logging_options
def scan(config: Path, output: options.Output, account: str | None, logs: options.Logs) -> int:
    """Scan once and print the metrics.

    The metrics go to stdout; the summary, the log and the progress bar go to stderr. With
    DAGSTER_HOME the run is recorded in that Dagster instance, without it nowhere.
    """
    from tag_compliance.cli.single_scan import scan_once

    logs.configure()
    status = scan_once(config, os.environ, output, account)
    return ExitCode.of(status.outcome)
