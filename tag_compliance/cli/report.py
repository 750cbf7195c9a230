"""The command `report`: the findings of the latest scan as a file for people or programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tag_compliance.cli import options
from tag_compliance.cli.declaration import ExitCode, command
from tag_compliance.cli.report_options import (
    Destination,
    Filters,
    destination_options,
    filter_options,
)

if TYPE_CHECKING:
    from tag_compliance.cli.stored_scan import LatestScan
    from tag_compliance.domain.report_filter import FindingFilter
    from tag_compliance.reports.context import AccountSection, ReportContext


@command(
    "tag-compliance report --format html --owner platform --output platform.html",
    complete="the report was written",
    failed="there is no snapshot yet, or the report could not be written",
    partial="with --fail-on: the latest scan is incomplete or stale, and nothing else is wrong",
    findings="with --fail-on: the report contains an open finding of that severity or higher",
)
@options.config_option
@filter_options
@destination_options
@options.logging_options
def report(config: Path, filters: Filters, destination: Destination, logs: options.Logs) -> int:
    """Write the findings of the latest scan to a file or stdout.

    Reads the storage, not AWS. The rows are ordered by account, region, type, ARN and rule, so that
    two reports can be compared. An option that may be repeated chooses what matches any of its
    values; its variable separates the values by commas. docs/findings.md describes the columns.
    """
    from tag_compliance.cli.report_files import check_destination, write_report
    from tag_compliance.cli.report_filters import filter_of
    from tag_compliance.cli.stored_scan import doubt_lines, load_latest_scan
    from tag_compliance.cli.watched_rows import WatchedRows
    from tag_compliance.domain.clock import utc_now
    from tag_compliance.logs import on_one_line
    from tag_compliance.pipeline.stored_findings import row_settings

    logs.configure()
    check_destination(destination)
    scan = load_latest_scan(config, os.environ)
    chosen = filter_of(filters, scan.findings, config)
    settings = row_settings(scan.findings.config, scan.findings.merged)
    watched = WatchedRows(scan.findings.rows(settings, chosen))
    place = write_report(watched, report_context(scan, chosen), destination)
    doubts = scan.doubts(utc_now())
    for line in (on_one_line(f"{watched.count} findings: {place}"), *doubt_lines(doubts)):
        print(line, file=sys.stderr)
    if destination.fail_on is None:
        return ExitCode.COMPLETE
    if watched.has_open(destination.fail_on):
        return ExitCode.FINDINGS
    return ExitCode.PARTIAL if doubts else ExitCode.COMPLETE


def report_context(scan: LatestScan, chosen: FindingFilter) -> ReportContext:
    """What the report says in addition to its rows, for what `chosen` matches."""
    from tag_compliance import __version__
    from tag_compliance.cli.report_filters import describe
    from tag_compliance.pipeline.merge import policy_of
    from tag_compliance.reports.context import ReportContext, RuleSection

    rules = policy_of(scan.findings.config).rules
    return ReportContext(
        snapshot_id=scan.snapshot_id,
        snapshot_time=scan.findings.merged.started_at,
        version=__version__,
        scope=describe(chosen),
        accounts=tuple(_accounts(scan, chosen)),
        rules=tuple(
            RuleSection(rule.rule_id, rule.severity, rule.title)
            for rule in rules
            if chosen.has_rule(rule.rule_id) and chosen.has_severity(rule.severity)
        ),
    )


def _accounts(scan: LatestScan, chosen: FindingFilter) -> Iterator[AccountSection]:
    from tag_compliance.reports.context import AccountSection

    results = scan.findings.merged.results
    unread = {status.account_id: status.failures for status in results.statuses}
    for target in scan.findings.targets():
        if chosen.has_account(target.account_id, target.ou_path):
            yield AccountSection(
                target.account_id,
                target.account_name,
                results.summary.by_account[target.account_id],
                unread.get(target.account_id, ()),
            )
