"""`tag-compliance demo`: the real program against a simulated AWS organization."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tag_compliance.cli import options
from tag_compliance.cli.declaration import ExitCode, command, option
from tag_compliance.cli.interrupts import interruptible

if TYPE_CHECKING:
    from tag_compliance.snapshot.status import ScanStatus


@command(
    "tag-compliance demo --up",
    complete="the organization was scanned as intended",
    failed="the scan failed; with --up: a process ended",
)
@option(
    "--up",
    "TAG_COMPLIANCE_UP",
    "Keep running, with Dagster's UI, the schedule and the exporter.",
    is_flag=True,
)
@options.output_options
@options.schedule_options
@options.serving_options
@options.logging_options
def demo(
    *,
    up: bool,
    output: options.Output,
    schedule: options.Schedule,
    serving: options.Serving,
    logs: options.Logs,
) -> int:
    """Scan a simulated AWS organization without credentials.

    Needs no network either. One of the five accounts rejects the scanner, to show what a failure
    looks like.
    """
    from tag_compliance.cli.process_tree import run_process_tree
    from tag_compliance.cli.single_scan import scan_once
    from tag_compliance.config import overriding_variables
    from tag_compliance.simulator.demo.organization import demo_config, simulate_demo
    from tag_compliance.storage.temporary import TemporaryFolder

    logs.configure()
    with (
        interruptible(),
        TemporaryFolder("demo") as folder,
        simulate_demo() as aws,
    ):
        config = folder.path / "config.yaml"
        config.write_text(demo_config(folder.path / "state"), encoding="utf-8")
        # Without the settings for the user's own organization, and without the user's Dagster
        # instance, to whose partitions the demo would add its accounts.
        own = {*overriding_variables(os.environ), "DAGSTER_HOME"}
        isolated = aws.isolated_environment(os.environ)
        environment = {name: value for name, value in isolated.items() if name not in own}
        if up:
            return run_process_tree(config, environment, schedule, serving, logs)
        status = scan_once(config, environment, output, logs, is_storage_kept=False)
    return _exit_code(status)


def _exit_code(status: ScanStatus) -> ExitCode:
    """`COMPLETE` if exactly the accounts failed that are meant to fail."""
    from tag_compliance.simulator.demo.organization import describe_demo

    failed = {account.account_id for account in status.accounts if not account.succeeded}
    intended = {a.account_id for a in describe_demo().accounts if not a.trusts_scanner}
    if failed != intended:
        return ExitCode.FAILED
    print("one account failed as intended, to show what a failure looks like", file=sys.stderr)
    return ExitCode.COMPLETE
