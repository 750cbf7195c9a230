"""`tag-compliance scan`: every asset materialized once, through Dagster."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

from tag_compliance.aws.regions import known_regions
from tag_compliance.cli.dagster_home import FEW_EVENTS, prepare_dagster_home
from tag_compliance.cli.exit_code import ExitCode
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.cli.output import Output, put_out
from tag_compliance.cli.progress import progress_bar
from tag_compliance.cli.summary import summary_of
from tag_compliance.config import load_config
from tag_compliance.errors import BadConfiguration, Fault, TagComplianceError
from tag_compliance.snapshot.status import Outcome, ScanStatus


def run(arguments: argparse.Namespace) -> int:
    output = Output(arguments.output, arguments.push)
    status = scan_once(arguments.config, output, arguments.account)
    return ExitCode.COMPLETE if status.outcome is Outcome.COMPLETE else ExitCode.PARTIAL


def scan_once(config_path: Path, output: Output, account: str | None = None) -> ScanStatus:
    """Scans, puts the exposition out, sums up on stderr; raises where no snapshot came of it."""
    config = load_config(config_path, os.environ, known_regions())
    if account is not None and all(a.account_id != account for a in config.aws_account_matrix):
        fault = Fault("--account", "", account, f"no such account in {config_path}")
        raise BadConfiguration((fault,))
    if home := os.environ.get("DAGSTER_HOME"):
        os.environ["DAGSTER_HOME"] = str(prepare_dagster_home(home, config))
    os.environ.update(FEW_EVENTS | os.environ)
    gc.disable()  # nothing that is imported becomes garbage: looking for it takes 0.2 s
    from tag_compliance.pipeline.allocator import use_system_allocator
    from tag_compliance.pipeline.launch import run_scan  # Dagster, which `--help` can do without
    from tag_compliance.pipeline.resources import ProgressResource

    use_system_allocator()
    gc.freeze()
    gc.enable()

    with interruptible() as check, progress_bar(config) as advance:
        ended = run_scan(config, config_path, os.environ, ProgressResource(advance), account)
        check()
    if ended.snapshot is None:
        raise TagComplianceError(ended.failure or f"the run {ended.run_id} failed")
    put_out(ended.snapshot.plain, output)
    for line in summary_of(ended.snapshot.status):
        print(line, file=sys.stderr)
    return ended.snapshot.status
