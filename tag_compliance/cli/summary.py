"""A summary of a scan in a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from tag_compliance.snapshot.status import AccountStatus, ScanStatus

_MOST_FAILURES = 20


def summary_of(status: ScanStatus) -> Iterator[str]:
    """One line for the scan, one per tag, a table of the accounts, one line per failure."""
    regions = [region for account in status.accounts for region in account.regions]
    read = sum(region.reason == "ok" for region in regions)
    seconds = (status.made_at - status.scan_started_at).total_seconds()
    yield (
        f"{status.outcome}: {read} of {len(regions)} regions of {len(status.accounts)} accounts "
        f"read in {seconds:.1f} s"
    )
    share = f", {100 * status.compliant / status.resources:.1f} %" if status.resources else ""
    yield f"{status.compliant} of {status.resources} resources carry every required tag{share}"
    for tag in status.tags:
        yield f"  {tag.missing:>8} lack {tag.tag}"
    yield from _accounts(status.accounts)
    for failure in status.failures[:_MOST_FAILURES]:
        yield f"not read: {failure}"
    if len(status.failures) > _MOST_FAILURES:
        yield f"not read: {len(status.failures) - _MOST_FAILURES} more"


def _accounts(accounts: tuple[AccountStatus, ...]) -> Iterator[str]:
    width = max((len(account.account_name) for account in accounts), default=0)
    for account in accounts:
        resources = sum(region.resources for region in account.regions)
        failed = sorted({r.reason for r in account.regions if r.reason != "ok"})
        state = f"failed: {', '.join(failed)}" if failed else "ok"
        yield f"  {account.account_id}  {account.account_name:{width}}  {resources:>8}  {state}"
