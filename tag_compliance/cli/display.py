"""What a scan shows to a person on stderr: a progress bar, then a summary."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from tqdm import tqdm

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.counts import COVERAGE, format_percentage
from tag_compliance.domain.read_status import Outcome, RegionReadStatus
from tag_compliance.snapshot.status import AccountStatus, ScanStatus

_MOST_FAILURES = 20


@contextlib.contextmanager
def progress_bar(config: Config) -> Iterator[Callable[[AccountId, RegionReadStatus], None]]:
    """Yields a function to call for each region that has been read."""
    regions = sum(len(target.regions) for target in targets_of(config))
    lock = threading.Lock()
    resources = failed = 0
    # `disable=None`: no bar if stderr is not a terminal.
    with tqdm(total=regions, unit="region", disable=None, leave=False) as bar:

        def advance(_account_id: AccountId, region: RegionReadStatus) -> None:
            nonlocal resources, failed
            with lock:
                resources += region.returned
                failed += not region.succeeded
                bar.set_postfix(resources=resources, failed=failed, refresh=False)
                bar.update()

        yield advance


def summary_of(status: ScanStatus) -> Iterator[str]:
    """Lines for the scan, one per tag, a table of the accounts, one line per failure."""
    regions = [region for account in status.accounts for region in account.regions]
    read = sum(region.reason == "ok" for region in regions)
    seconds = (status.made_at - status.scan_started_at).total_seconds()
    yield (
        f"{status.outcome}: {read} of {len(regions)} regions of {len(status.accounts)} accounts "
        f"read in {seconds:.1f} s"
    )
    if status.outcome is Outcome.NOTHING:
        yield "nothing could be scanned; all numbers are those of earlier scans"
    counts = status.counts
    yield (
        f"{counts.returned} resources returned, {counts.excluded} excluded, "
        f"{counts.counted} counted, {counts.compliant} compliant"
    )
    yield f"{format_percentage(counts.compliance_percentage)} have every required tag"
    yield COVERAGE
    for tag in status.tags:
        yield f"  {tag.missing:>8} lack {tag.tag}"
    if status.unmatched_exclusions:
        patterns = ", ".join(status.unmatched_exclusions)
        yield f"excluded_resource_types: no resource matches {patterns}"
    yield from _accounts(status.accounts)
    for failure in status.failures[:_MOST_FAILURES]:
        yield f"not read: {failure}"
    if len(status.failures) > _MOST_FAILURES:
        yield f"not read: {len(status.failures) - _MOST_FAILURES} more"


def _accounts(accounts: tuple[AccountStatus, ...]) -> Iterator[str]:
    width = max((len(account.account_name) for account in accounts), default=0)
    for account in accounts:
        counts = account.counts
        failed = sorted({r.reason for r in account.regions if r.reason != "ok"})
        state = f"failed: {', '.join(failed)}" if failed else "ok"
        percentage = format_percentage(counts.compliance_percentage)
        yield (
            f"  {account.account_id}  {account.account_name:{width}}  {counts.counted:>8}  "
            f"{percentage:>7}  {state}"
        )
