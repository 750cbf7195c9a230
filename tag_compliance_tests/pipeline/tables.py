"""The tables of a pipeline in a folder, and which of them were read and written."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.pipeline.account_writer import AccountWriter, next_reading_run
from tag_compliance.pipeline.merge import MergedScan, merge_stored
from tag_compliance.pipeline.run_tags import ScanTimes
from tag_compliance.storage.base import Storage
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.tables.findings import Findings, StoredEvaluation
from tag_compliance.tables.raw_resources import RawResources
from tag_compliance_tests.pipeline.accounts import REQUIRED
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage

ONE, TWO = "111111111111", "222222222222"
HOME, AWAY = "eu-west-1", "us-east-1"


def config_of(regions: tuple[str, ...] = (HOME, AWAY), **settings: Any) -> Config:
    """The account `ONE` with these regions, and the account `TWO` with both."""
    rows = [
        {"account_id": ONE, "account_name": "name-111", "regions": list(regions)},
        {"account_id": TWO, "account_name": "name-222", "regions": [HOME, AWAY]},
    ]
    content = {"aws_account_matrix": rows, "REQUIRED_TAGS": list(REQUIRED)}
    return Config.model_validate(content | settings)


def inventory_file(account_id: str) -> str:
    return f"tables/raw_resources/{account_id}.parquet"


def evaluation_file(account_id: str) -> str:
    return f"tables/findings/{account_id}.parquet"


class Tables:
    """`warnings` are the messages of the package, `operations` the calls to the storage."""

    def __init__(self, folder: Path) -> None:
        self.operations: Counter[tuple[str, str]] = Counter()
        self.warnings: list[str] = []
        self.storage: Storage = InterceptedStorage(FolderStorage(folder), self._count)

    def _count(self, operation: str, name: str) -> None:
        self.operations[operation, name] += 1

    def reads(self) -> dict[str, int]:
        """How often each file was read."""
        return {name: n for (operation, name), n in self.operations.items() if operation == "read"}

    def writer(self, config: Config, started_at: datetime) -> AccountWriter:
        """Of a reading run that begins now; its scan started at this time."""
        number = next_reading_run(self.storage)
        return AccountWriter(config, self.storage, self.warnings.append, started_at, number)

    def store(self, config: Config, started_at: datetime, *accounts: AccountInventory) -> None:
        """As the reading run of a scan that started at this time."""
        writer = self.writer(config, started_at)
        for account in accounts:
            writer.store(account)

    def merge(
        self, config: Config, started_at: datetime, read_since: datetime | None = None
    ) -> MergedScan:
        """As the publishing run."""
        self.operations.clear()
        times = ScanTimes(started_at, read_since)
        return merge_stored(config, self.storage, self.warnings.append, times)

    def inventory(self, account_id: str) -> AccountInventory | None:
        return RawResources(self.storage, self.warnings.append).load(AccountId(account_id))

    def evaluation(self, account_id: str) -> StoredEvaluation | None:
        return Findings(self.storage, self.warnings.append).load(AccountId(account_id))
