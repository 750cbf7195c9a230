"""What `doctor` tests, and its report."""

from __future__ import annotations

from collections.abc import Iterator

from tag_compliance.aws.remediation import remediation_of
from tag_compliance.aws.scanner import scan_accounts
from tag_compliance.aws.targets import role_steps, targets_of
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.cli.progress import progress_bar
from tag_compliance.config import Config
from tag_compliance.domain.account import Target
from tag_compliance.domain.read_status import AccountReadStatus, RegionReadStatus


def examine(config: Config) -> list[AccountReadStatus]:
    """Assumes each role and reads one page of each region; the statuses in the configured order."""
    targets = targets_of(config)
    with interruptible(), progress_bar(config) as advance:
        scanned = scan_accounts(config, targets, advance, max_pages=1)
        statuses = {inventory.status.account_id: inventory.status for inventory in scanned}
    return [statuses[target.account_id] for target in targets]


def report(config: Config, statuses: list[AccountReadStatus]) -> Iterator[str]:
    """A table of all regions, then each failure with its remedy; equal failures appear once."""
    rows = [(status, region) for status in statuses for region in status.regions]
    width = max(len(status.account_name) for status in statuses)
    for status, region in rows:
        name = f"{status.account_name:{width}}"
        yield f"{status.account_id}  {name}  {region.region:15} {region.reason}"
    failed = [(status, region) for status, region in rows if not region.succeeded]
    yield ""
    yield f"{len(rows) - len(failed)} of {len(rows)} regions can be read"
    targets = {target.account_id: target for target in targets_of(config)}
    reported = set[tuple[str, str]]()
    for status, region in failed:
        key = (status.account_id, region.message)
        if key not in reported:
            reported.add(key)
            yield ""
            yield from _failure(config, targets[status.account_id], status, region)


def _failure(
    config: Config, target: Target, status: AccountReadStatus, region: RegionReadStatus
) -> Iterator[str]:
    alike = [r.region for r in status.regions if r.message == region.message]
    yield f"{status.display_name} {', '.join(alike)}: {region.message}"
    steps = role_steps(config, target)
    remedy = remediation_of(region.reason, region.message, steps, alike[0])
    yield from (f"  {line}" for line in remedy)
