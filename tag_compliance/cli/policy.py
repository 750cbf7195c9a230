"""The commands about policy files. `policy_exchange` has those about AWS tag policies."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from tag_compliance.cli import options
from tag_compliance.cli.declaration import ExitCode, command, option
from tag_compliance.cli.policy_exchange import export, import_


@command(
    "tag-compliance policy check --strict rules/*.yaml",
    "check",
    complete="the files are valid",
)
@options.policy_files_argument
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


@command(
    "tag-compliance policy preview --format json new-policy.yaml",
    "preview",
    complete="the preview was printed",
    failed="there is no snapshot yet, or the storage cannot be read",
)
@options.policy_files_argument
@options.config_option
@option(
    "--format",
    "TAG_COMPLIANCE_POLICY_FORMAT",
    "Lines for a person, or a JSON document.",
    type=click.Choice(["text", "json"]),
    default="text",
)
@options.logging_options
def preview(files: tuple[Path, ...], config: Path, format: str, logs: options.Logs) -> int:  # noqa: A002
    """Show what a changed policy would make of the resources of the latest scan.

    The FILEs replace all policy files of that scan. Without FILE, shows the effect of the files
    that the configuration names now. Prints the open findings gained and lost by rule and account,
    and the compliance before and after. Both policies are evaluated with the required tags, the
    exclusions and the accounts of that scan, and on its UTC day: a waiver that ended since then
    still counts. Reads the storage, not AWS, and changes nothing.
    """
    from tag_compliance.cli.policy_preview import PreviewReport
    from tag_compliance.cli.policy_report import load_policy_files
    from tag_compliance.cli.stored_scan import load_latest_scan
    from tag_compliance.domain.clock import utc_now
    from tag_compliance.pipeline.policy_preview import preview_policy

    logs.configure()
    changed = load_policy_files(files, config, os.environ, utc_now().date()).policy
    scan = load_latest_scan(config, os.environ, with_findings=False)
    stored = scan.findings
    found = preview_policy(stored.config, changed, stored.merged, stored.storage, stored.warn)
    names = [file.name for file in changed.files]
    report = PreviewReport.of(found, scan, names, utc_now())
    print(report.document() if format == "json" else "\n".join(report.lines()))
    return ExitCode.COMPLETE


@command("tag-compliance policy schema > policy.schema.json", "schema", complete="it was printed")
def schema() -> int:
    """Print the JSON Schema of a policy file, for editors."""
    from tag_compliance.config.policy_schema import policy_schema

    print(json.dumps(policy_schema(), indent=2))
    return ExitCode.COMPLETE


@click.group(commands=[check, preview, import_, export, schema])
def policy() -> None:
    """Validate, preview, import and export rules and waivers."""
