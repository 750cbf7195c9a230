"""The commands about policy files: `policy check`, `policy schema`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from tag_compliance.cli import options
from tag_compliance.cli.declaration import FILE, ExitCode, command, option


@command(
    "tag-compliance policy check --strict rules/*.yaml",
    "check",
    complete="the files are valid",
)
@click.argument("files", nargs=-1, type=FILE, metavar="[FILE]...")
@options.config_option
@option(
    "--strict",
    "TAG_COMPLIANCE_POLICY_STRICT",
    "Warnings lead to exit code 2 as well.",
    is_flag=True,
)
@options.logging_options
def check(files: tuple[Path, ...], config: Path, *, strict: bool, logs: options.Logs) -> int:
    """Report all faults of policy files, and what is probably not meant.

    Without FILE, validates the files that the configuration names. Prints warnings, and the waivers
    that have expired or expire within 30 days. Makes no API calls.
    """
    from tag_compliance.cli.policy_report import check_policy

    logs.configure()
    report = check_policy(files, config, os.environ)
    print("\n".join(report.lines))
    return ExitCode.USAGE if strict and report.warnings else ExitCode.COMPLETE


@command("tag-compliance policy schema > policy.schema.json", "schema", complete="it was printed")
def schema() -> int:
    """Print the JSON Schema of a policy file, for editors."""
    from tag_compliance.config.policy_schema import policy_schema

    print(json.dumps(policy_schema(), indent=2))
    return ExitCode.COMPLETE


@click.group(commands=[check, schema])
def policy() -> None:
    """Validate the rules and waivers of policy files."""
