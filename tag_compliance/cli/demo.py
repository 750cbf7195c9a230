"""`tag-compliance demo`: the real program against a simulated AWS organization."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tag_compliance.aws.regions import known_regions
from tag_compliance.cli.exit_code import ExitCode
from tag_compliance.cli.flags import PREFIX
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.cli.output import Output
from tag_compliance.cli.scan import scan_once
from tag_compliance.cli.up import run_up
from tag_compliance.config import load_config
from tag_compliance.config.model import SCALAR_KEYS
from tag_compliance.simulator.demo.accounts import ACCOUNTS
from tag_compliance.simulator.demo.configuration import demo_config
from tag_compliance.simulator.demo.organization import simulate_demo


def run(arguments: argparse.Namespace) -> int:
    """0 where just the account that refuses its role failed, as it is meant to."""
    with (
        interruptible(),
        tempfile.TemporaryDirectory(prefix="tag-compliance-demo-") as folder,
        simulate_demo() as aws,
    ):
        path = Path(folder) / "config.yaml"
        path.write_text(demo_config(Path(folder) / "state"), encoding="utf-8")
        environment = aws.isolated_environment(os.environ)
        os.environ.clear()
        os.environ.update(environment, TAG_COMPLIANCE_CONFIG=str(path))
        # The user's own organization stays out of it, and so does its instance of Dagster, whose
        # partitions the demo's accounts would take.
        for name in (*(f"{PREFIX}{key.upper()}" for key in SCALAR_KEYS), "DAGSTER_HOME"):
            os.environ.pop(name, None)
        if arguments.up:
            if arguments.refresh_interval:
                os.environ["TAG_COMPLIANCE_REFRESH_INTERVAL"] = arguments.refresh_interval
            arguments.config = path
            return run_up(arguments, load_config(path, os.environ, known_regions()))
        status = scan_once(path, Output(arguments.output, arguments.push))
    failed = {account.account_id for account in status.accounts if not account.succeeded}
    meant = {account.account_id for account in ACCOUNTS if not account.trusts_scanner}
    if failed == meant:
        print("the account that failed is meant to: so a failure looks", file=sys.stderr)
        return ExitCode.COMPLETE
    return ExitCode.FAILED
