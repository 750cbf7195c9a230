"""The progress bar of a scan: on a terminal only."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from tqdm import tqdm

from tag_compliance.config import Config
from tag_compliance.domain.scan import RegionScan


@contextlib.contextmanager
def progress_bar(config: Config) -> Iterator[Callable[[str, RegionScan], None]]:
    """Counts the regions that have been read, on stderr."""
    regions = sum(len(account.regions) for account in config.aws_account_matrix)
    lock = threading.Lock()
    resources = failed = 0
    # `disable=None`: none where stderr is no terminal.
    with tqdm(total=regions, unit="region", disable=None, leave=False) as bar:

        def advance(_account_id: str, region: RegionScan) -> None:
            nonlocal resources, failed
            with lock:
                resources += region.resources
                failed += not region.succeeded
                bar.set_postfix(resources=resources, failed=failed, refresh=False)
                bar.update()

        yield advance
