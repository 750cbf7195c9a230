"""The progress bar of a scan, shown only on a terminal."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from tqdm import tqdm

from tag_compliance.config import Config
from tag_compliance.domain.scan import RegionScan


@contextlib.contextmanager
def progress_bar(config: Config) -> Iterator[Callable[[str, RegionScan], None]]:
    """Yields a function to call for each region that has been read."""
    regions = sum(len(account.regions) for account in config.aws_account_matrix)
    lock = threading.Lock()
    resources = failed = 0
    # `disable=None`: no bar if stderr is not a terminal.
    with tqdm(total=regions, unit="region", disable=None, leave=False) as bar:

        def advance(_account_id: str, region: RegionScan) -> None:
            nonlocal resources, failed
            with lock:
                resources += region.resources
                failed += not region.succeeded
                bar.set_postfix(resources=resources, failed=failed, refresh=False)
                bar.update()

        yield advance
