"""`tag-compliance check-config`: validates the configuration and prints the plan of a scan."""

from __future__ import annotations

import os
from pathlib import Path

from tag_compliance.cli import options
from tag_compliance.cli.declaration import command
from tag_compliance.cli.exit_code import ExitCode


@command("tag-compliance check-config --config config.yaml", complete="the configuration is valid")
@options.config_option
@options.logging_options
def check_config(config: Path, logs: options.Logs) -> int:
    """Validate the configuration and print what would be scanned.

    Prints accounts, regions, roles and the expected number of AWS API calls. Calls no API.
    """
    from tag_compliance.aws.regions import known_regions
    from tag_compliance.cli.plan import plan_of
    from tag_compliance.config import load_config

    logs.configure()
    print("\n".join(plan_of(load_config(config, os.environ, known_regions()))))
    return ExitCode.COMPLETE
