"""The tables of a pipeline in a folder: accounts to store there, and which files are used."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus, Reason
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.pipeline.account_writer import AccountWriter, next_reading_run
from tag_compliance.pipeline.merge import MergedScan, merge_stored
from tag_compliance.pipeline.scan_times import ScanTimes
from tag_compliance.storage.base import Storage
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.tables.failed_readings import FailedReadings
from tag_compliance.tables.findings import Findings, StoredEvaluation
from tag_compliance.tables.raw_resources import RawResources
from tag_compliance_tests.domain.organizations import (
    NOON,
    evaluated,
    region_read,
    summary_of,
    table_of,
)
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage

REQUIRED = ("Owner", "CostCenter")
ONE, TWO = "111111111111", "222222222222"
HOME, AWAY = "eu-west-1", "us-east-1"
LATER = NOON + timedelta(minutes=5)


def account(
    account_id: str,
    *regions: str,
    good: int = 1,
    bad: int = 1,
    reason: Reason = Reason.OK,
    at: datetime | None = None,
) -> AccountInventory:
    """In each region `good` resources with all required tags, and `bad` resources with none.

    With a `reason` none of the regions could be read. Reading started at `at`, by default now.
    """
    at = at or datetime.now(UTC)
    is_read = reason is Reason.OK
    ended_at = at + timedelta(seconds=1.5) if is_read else None
    tags = [dict.fromkeys(REQUIRED, "x")] * good + [{}] * bad if is_read else []
    statuses = tuple(
        region_read(
            region,
            reason,
            message="" if is_read else "it is denied",
            returned=len(tags),
            last_success_at=ended_at,
        )
        for region in regions
    )
    rows = [
        (
            region,
            {
                "arn": f"arn:aws:sqs:{region}:{account_id}:{number}",
                "resource_type": "sqs:queue",
                "tags": tags_of_one,
            },
        )
        for region in regions
        for number, tags_of_one in enumerate(tags)
    ]
    name = AccountName(f"name-{account_id[-3:]}")
    status = AccountReadStatus(
        AccountId(account_id), name, at, 1.5, statuses, last_success_at=ended_at
    )
    return AccountInventory(status, table_of(rows))


def results_of(*accounts: AccountInventory) -> ComplianceResults:
    policy = Policy(REQUIRED)
    evaluations = [evaluated(account, policy) for account in accounts]
    statuses = tuple(evaluation.status for evaluation in evaluations)
    return ComplianceResults(statuses, summary_of(evaluations, policy))


def config_of(regions: tuple[str, ...] = (HOME, AWAY), **settings: Any) -> Config:
    """The account `ONE` with these regions, and the account `TWO` with both."""
    rows = [
        {"account_id": ONE, "account_name": "name-111", "regions": list(regions)},
        {"account_id": TWO, "account_name": "name-222", "regions": [HOME, AWAY]},
    ]
    content = {"aws_account_matrix": rows, "REQUIRED_TAGS": list(REQUIRED)}
    return Config.model_validate(content | settings)


CONFIG = config_of()


def inventory_file(account_id: str) -> str:
    return f"tables/raw_resources/{account_id}.parquet"


def evaluation_file(account_id: str) -> str:
    return f"tables/findings/{account_id}.parquet"


class Tables:
    """`warnings` are the messages of the package, `operations` the calls to the storage."""

    def __init__(self, folder: Path) -> None:
        self.operations: Counter[tuple[str, str]] = Counter()
        self.warnings: list[str] = []
        self.storage: Storage = InterceptedStorage(
            FolderStorage(folder), lambda *call: self.operations.update([call])
        )

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
        for inventory in accounts:
            writer.store(inventory)

    def merge(
        self, config: Config, started_at: datetime, read_since: datetime | None = None
    ) -> MergedScan:
        """As the publishing run."""
        self.operations.clear()
        times = ScanTimes(started_at, read_since)
        return merge_stored(config, self.storage, self.warnings.append, times)

    def settle(self, config: Config, started_at: datetime) -> None:
        """As the publishing run of a scan that read something."""
        failed = FailedReadings(self.storage, self.warnings.append).load()
        self.writer(config, started_at).settle(failed.values())

    def load(self, account_id: str) -> tuple[AccountInventory, StoredEvaluation]:
        inventory = RawResources(self.storage, self.warnings.append).load(AccountId(account_id))
        evaluation = Findings(self.storage, self.warnings.append).load(AccountId(account_id))
        assert inventory is not None
        assert evaluation is not None
        return inventory, evaluation
