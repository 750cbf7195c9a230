"""The command `explain`: what the latest scan knows about one resource, and how to fix it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tag_compliance.cli import options
from tag_compliance.cli.declaration import ExitCode, command


@command(
    "tag-compliance explain arn:aws:s3:::my-bucket",
    complete="the resource was found",
    failed="there is no snapshot yet, or the latest scan does not know the resource",
)
@click.argument("arn")
@options.config_option
@options.account_option("Look in this account only (id or name).", "TAG_COMPLIANCE_EXPLAIN_ACCOUNT")
@options.logging_options
def explain(config: Path, arn: str, account: str | None, logs: options.Logs) -> int:
    """Show which rules a resource violates, and how to fix it.

    Shows which source returned it, its tags, each rule and why it passes or not, the waiver that
    covers a finding, and since when it is open. The aws commands are printed and never run. Reads
    the storage, not AWS. An ARN can exist in several accounts: each of them is shown.
    """
    from tag_compliance.cli.accounts import account_id_of
    from tag_compliance.cli.explanation import explanations
    from tag_compliance.cli.stored_scan import load_latest_scan
    from tag_compliance.domain.clock import utc_now
    from tag_compliance.domain.coverage import coverage_sentence

    logs.configure()
    scan = load_latest_scan(config, os.environ)
    account_id = account and account_id_of(account, scan.findings.config, config)
    shown = list(explanations(scan.findings, arn, account_id))
    for lines in shown:
        print("\n".join(lines))
    if not shown:
        results = scan.findings.merged.results
        print("\n".join(_not_found(arn, coverage_sentence(results), scan.doubts(utc_now()))))
    return ExitCode.COMPLETE if shown else ExitCode.FAILED


def _not_found(arn: str, coverage: str, doubts: list[str]) -> list[str]:
    from tag_compliance.logs import on_one_line

    return [
        f"{on_one_line(arn)}: the latest scan does not know this resource",
        "AWS did not return it, or its account or region is not scanned; ARNs must be exact.",
        coverage,
        *(f"incomplete: {on_one_line(line)}" for line in doubts),
    ]
