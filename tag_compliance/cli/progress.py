"""The progress bar of a scan, shown only on a terminal."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from tqdm import tqdm

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import RegionReadStatus


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
