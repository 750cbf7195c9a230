"""What `doctor` tests, and its report."""

from __future__ import annotations

from collections.abc import Iterator

from tag_compliance.aws.remediation import remediation_of
from tag_compliance.aws.scanner import scan_accounts
from tag_compliance.aws.targets import role_steps, targets_of
from tag_compliance.cli.display import progress_bar
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.config import Config
from tag_compliance.domain.read_status import AccountReadStatus


def examine(config: Config) -> list[AccountReadStatus]:
    """Assumes each role and reads one page of each region; the statuses in the configured order."""
    targets = targets_of(config)
    with interruptible(), progress_bar(config) as advance:
        scanned = scan_accounts(config, targets, advance, max_pages=1)
        statuses = {inventory.status.account_id: inventory.status for inventory in scanned}
    return [statuses[target.account_id] for target in targets]


def report(config: Config, statuses: list[AccountReadStatus]) -> Iterator[str]:
    """A table of all regions, then each failure with its remedy; equal failures appear once."""
    width = max(len(status.account_name) for status in statuses)
    for status in statuses:
        for region in status.regions:
            name = f"{status.account_name:{width}}"
            yield f"{status.account_id}  {name}  {region.region:15} {region.reason}"
    succeeded = [region.succeeded for status in statuses for region in status.regions]
    yield ""
    yield f"{sum(succeeded)} of {len(succeeded)} regions can be read"
    for status in statuses:
        for message in dict.fromkeys(r.message for r in status.regions if not r.succeeded):
            alike = [r for r in status.regions if r.message == message]
            yield ""
            yield f"{status.display_name} {', '.join(r.region for r in alike)}: {message}"
            [target] = targets_of(config, {status.account_id})
            steps = role_steps(config, target)
            remedy = remediation_of(alike[0].reason, message, steps, alike[0].region)
            yield from (f"  {line}" for line in remedy)
