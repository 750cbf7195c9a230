"""What `doctor` tests, and its report."""

from __future__ import annotations

from collections.abc import Iterator

from tag_compliance.aws.advice import advice_on
from tag_compliance.aws.roles import role_steps
from tag_compliance.aws.scanner import scan_accounts
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.cli.progress import progress_bar
from tag_compliance.config import Account, Config
from tag_compliance.domain.scan import AccountScan, RegionScan


def examine(config: Config) -> list[AccountScan]:
    """Assumes each role and reads one page of each region."""
    with interruptible(), progress_bar(config) as advance:
        ids = [account.account_id for account in config.aws_account_matrix]
        return [a.scan for a in scan_accounts(config, ids, advance, most_pages=1)]


def report(config: Config, scans: list[AccountScan]) -> Iterator[str]:
    """A table of all regions, then each failure with its remedy; equal failures appear once."""
    rows = [(scan, region) for scan in scans for region in scan.regions]
    width = max(len(scan.account_name) for scan in scans)
    for scan, region in rows:
        yield f"{scan.account_id}  {scan.account_name:{width}}  {region.region:15} {region.reason}"
    failed = [(scan, region) for scan, region in rows if not region.succeeded]
    yield ""
    yield f"{len(rows) - len(failed)} of {len(rows)} regions can be read"
    accounts = {account.account_id: account for account in config.aws_account_matrix}
    reported = set[tuple[str, str]]()
    for scan, region in failed:
        key = (scan.account_id, region.message)
        if key not in reported:
            reported.add(key)
            yield ""
            yield from _failure(config, accounts[scan.account_id], scan, region)


def _failure(
    config: Config, account: Account, scan: AccountScan, region: RegionScan
) -> Iterator[str]:
    alike = [r.region for r in scan.regions if r.message == region.message]
    yield f"{scan.label} {', '.join(alike)}: {region.message}"
    steps = role_steps(config, account)
    yield from (f"  {line}" for line in advice_on(region.reason, region.message, steps, alike[0]))
