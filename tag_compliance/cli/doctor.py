"""`tag-compliance doctor`: can every account and region be read, and if not, what is missing."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from tag_compliance.aws.advice import advice_on
from tag_compliance.aws.regions import known_regions
from tag_compliance.aws.roles import role_steps
from tag_compliance.aws.scanner import scan_accounts
from tag_compliance.cli.exit_code import ExitCode
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.cli.progress import progress_bar
from tag_compliance.config import Account, Config, load_config
from tag_compliance.domain.scan import AccountScan, RegionScan


def run(arguments: argparse.Namespace) -> int:
    """Assumes each role and reads one page of each region; nothing is stored."""
    config = load_config(arguments.config, os.environ, known_regions())
    with interruptible(), progress_bar(config) as advance:
        ids = [account.account_id for account in config.aws_account_matrix]
        scans = [a.scan for a in scan_accounts(config, ids, advance, most_pages=1)]
    print("\n".join(report(config, scans)))
    return ExitCode.COMPLETE if all(scan.succeeded for scan in scans) else ExitCode.FAILED


def report(config: Config, scans: list[AccountScan]) -> Iterator[str]:
    """A table of what works, then each failure with what to do about it, once for equal ones."""
    rows = [(scan, region) for scan in scans for region in scan.regions]
    names = max(len(scan.account_name) for scan in scans)
    for scan, region in rows:
        yield f"{scan.account_id}  {scan.account_name:{names}}  {region.region:15} {region.reason}"
    failed = [(scan, region) for scan, region in rows if not region.succeeded]
    yield ""
    yield f"{len(rows) - len(failed)} of {len(rows)} regions can be read"
    accounts = {account.account_id: account for account in config.aws_account_matrix}
    told = set[tuple[str, str]]()
    for scan, region in failed:
        key = (scan.account_id, region.message)
        if key not in told:
            told.add(key)
            yield ""
            yield from _failure(config, accounts[scan.account_id], scan, region)


def _failure(
    config: Config, account: Account, scan: AccountScan, region: RegionScan
) -> Iterator[str]:
    alike = [r.region for r in scan.regions if r.message == region.message]
    yield f"{scan.label} {', '.join(alike)}: {region.message}"
    steps = role_steps(config, account)
    yield from (f"  {line}" for line in advice_on(region.reason, region.message, steps, alike[0]))
