"""The Dagster resources: where the configuration stands, and who hears of a scan's progress."""

import contextlib
import os
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from tag_compliance.aws.regions import known_regions
from tag_compliance.aws.scanner import Progress
from tag_compliance.config import Config, load_config
from tag_compliance.domain.scan import RegionScan
from tag_compliance.errors import BadConfiguration
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.base import Storage
from tag_compliance.storage.open import open_storage


class ConfigurationResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The configuration file. It is read anew by every run and every tick, and only once by each.

    So an edit needs no reload, and none reaches a run half-way, which would look for its tables
    where the edited file has them.
    """

    path: str
    _held: Config | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Dagster hands each run and each tick a copy of its own."""
        with contextlib.suppress(BadConfiguration):  # `load` tells, where it can be told to someone
            self._held = self.load()

    def load(self) -> Config:
        """Raises `BadConfiguration`."""
        return self._held or load_config(Path(self.path), os.environ, known_regions())

    def storage(self) -> Storage:
        """Where the configuration wants everything kept."""
        return open_storage(self.load().storage)

    def snapshots(self) -> SnapshotStore:
        return SnapshotStore(self.storage())


class ProgressResource:
    """Told of each region that has been read; the CLI puts its progress bar here."""

    def __init__(self, listener: Progress | None = None) -> None:
        self._listener = listener

    def __call__(self, account_id: str, region: RegionScan) -> None:
        if self._listener is not None:
            self._listener(account_id, region)
