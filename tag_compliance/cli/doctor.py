"""`tag-compliance doctor`: tests whether every account and region can be read."""

from __future__ import annotations

import os
from pathlib import Path

from tag_compliance.cli import options
from tag_compliance.cli.declaration import command
from tag_compliance.cli.exit_code import ExitCode


@command(
    "tag-compliance doctor --config config.yaml",
    complete="every account and region can be read",
    failed="an account or region cannot be read",
)
@options.config_option
@options.logging_options
def doctor(config: Path, logs: options.Logs) -> int:
    """Test whether each account and region can be read; print what is missing.

    Assumes each role and reads one page of each region. Stores nothing.
    """
    from tag_compliance.aws.regions import known_regions
    from tag_compliance.cli.diagnosis import examine, report
    from tag_compliance.config import load_config

    logs.configure()
    loaded = load_config(config, os.environ, known_regions())
    scans = examine(loaded)
    print("\n".join(report(loaded, scans)))
    return ExitCode.COMPLETE if all(scan.succeeded for scan in scans) else ExitCode.FAILED
