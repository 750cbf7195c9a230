"""The Dagster resources: configuration, access to AWS, heartbeat of a run, progress of a scan."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import dagster as dg
from pydantic import PrivateAttr

from tag_compliance.aws.regions import known_regions
from tag_compliance.aws.scanner import Progress, Reusable, scan_accounts
from tag_compliance.config import Config, load_config
from tag_compliance.domain.account import AccountId, Target
from tag_compliance.domain.organization import DiscoveredOrganization
from tag_compliance.domain.read_status import RegionReadStatus
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.errors import BadConfiguration, Fault, TagComplianceError
from tag_compliance.logs import get_logger
from tag_compliance.pipeline.heartbeat import Heartbeats
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.base import Storage
from tag_compliance.storage.open import open_storage
from tag_compliance.tables.organization import Organizations
from tag_compliance.tables.parquet import Warn

logger = get_logger(__name__)


class ConfigurationResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The configuration: a file, and the variables in `environment` that override it.

    The launchpad shows `path`, and a run in which it is changed fails: it would show the content of
    any YAML file. `environment` is not a field, because it can lead to another storage.
    Each run and each tick reads the file once. So an edit needs no reload, and does not affect a
    run that has already started, which would look for its tables in the storage of the edited file.
    """

    path: str
    file: ClassVar[Path]
    environment: ClassVar[Mapping[str, str]]
    _held: Config | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, path: Path, environment: Mapping[str, str]) -> "ConfigurationResource":
        """Dagster copies a resource by its class and its fields."""
        content = {"file": path, "environment": environment, "__module__": cls.__module__}
        fixed: type[ConfigurationResource] = type(cls.__name__, (cls,), content)
        return fixed(path=str(path))

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Dagster gives each run and each tick its own copy of the resource."""
        with contextlib.suppress(BadConfiguration):  # `load` raises it again, in a step or a tick
            self._held = self.load()

    def load(self) -> Config:
        """Raises `BadConfiguration`."""
        if self.path != str(self.file):
            rule = f"must be {self.file}: a run cannot read another configuration"
            raise BadConfiguration((Fault("launchpad", "path", self.path, rule),))
        return self._held or load_config(self.file, self.environment, known_regions())

    def organization(self, warn: Warn = logger.warning) -> DiscoveredOrganization | None:
        """The stored list of accounts; None without one, and without the key `organization`."""
        if self.load().organization is None:
            return None
        return Organizations(self.storage(), warn).load()

    def storage(self) -> Storage:
        """The storage that the configuration names."""
        return open_storage(self.load().storage)

    def snapshots(self) -> SnapshotStore:
        return SnapshotStore(self.storage())

    def heartbeats(self) -> Heartbeats:
        return Heartbeats(self.storage(), self.load().silence_seconds)


class AwsResource:
    """Access to AWS, with the credentials that boto3 finds in the environment of the run.

    Another resource with this method, for example one with recorded accounts, can replace it.
    """

    def read_accounts(
        self,
        config: Config,
        targets: Sequence[Target],
        progress: "ProgressResource",
        reusable: Reusable,
    ) -> Iterator[AccountInventory]:
        """As `scan_accounts`: each account when its last region has been read."""
        return scan_accounts(
            config, targets, progress, page_read=progress.page_read, reusable=reusable
        )


class HeartbeatResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The heartbeat of a run, from its start to its end.

    The in-process executor creates each resource once for all steps of a run.
    """

    configuration: dg.ResourceDependency[ConfigurationResource]

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["HeartbeatResource"]:
        """Without a run, or with a faulty configuration, there is no heartbeat."""
        with contextlib.ExitStack() as stack:
            if context.run is not None:
                with contextlib.suppress(TagComplianceError):
                    beating = self.configuration.heartbeats().beating(context.run.run_id)
                    stack.enter_context(beating)
            yield self


class ProgressResource:
    """Called with each region that has been read; the CLI connects its progress bar here.

    `page_read` is called for each page that another one follows.
    """

    def __init__(
        self, listener: Progress | None = None, page_read: Callable[[], None] = lambda: None
    ) -> None:
        self._listener = listener
        self.page_read = page_read

    def __call__(self, account_id: AccountId, region: RegionReadStatus) -> None:
        if self._listener is not None:
            self._listener(account_id, region)
