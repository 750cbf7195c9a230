"""`tag-compliance iam-policy`: prints the IAM policies that the configuration needs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from tag_compliance.cli import options
from tag_compliance.cli.declaration import command, option
from tag_compliance.cli.exit_code import ExitCode


@command("tag-compliance iam-policy --policy member", complete="the policies were printed")
@options.config_option
@option(
    "--policy",
    "TAG_COMPLIANCE_POLICY",
    "Print only this policy, as one document.",
    type=click.Choice(["base", "hub", "member", "trust", "exporter", "storage"]),
)
@option(
    "--principal",
    "TAG_COMPLIANCE_PRINCIPAL",
    "The base role, which the trust policies of the accounts' roles name.",
    metavar="ARN",
)
@options.account_option("Print the policies for this account only.")
@options.logging_options
def iam_policy(
    config: Path,
    policy: str | None,
    principal: str | None,
    account: str | None,
    logs: options.Logs,
) -> int:
    """Print the IAM policies that the configuration needs, as JSON.

    Without --policy the policies are printed as one object, by name.
    """
    from tag_compliance.aws.regions import known_regions
    from tag_compliance.cli.iam_documents import documents
    from tag_compliance.config import load_config

    logs.configure()
    loaded = load_config(config, os.environ, known_regions())
    print(json.dumps(documents(loaded, policy, principal, account), indent=2))
    return ExitCode.COMPLETE
