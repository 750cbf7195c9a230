"""A result of Resource Explorer is reused only while it is new, for the same request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import ReadStatus, Reason, RegionReadStatus, Source
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.tables.raw_resources import RawResources
from tag_compliance.tables.reusable_results import ReusableResults
from tag_compliance_tests.domain.organizations import inventory

EU, US = RegionName("eu-west-1"), RegionName("us-east-1")
ID = AccountId("111122223333")
EXPLORER, HOUR = Source.RESOURCE_EXPLORER, timedelta(hours=1)
NEW = ReadStatus(EXPLORER, Reason.OK, last_success_at=utc_now(), request="any view")


class Stored:
    """An account whose regions have these readings of Resource Explorer, one row each."""

    def __init__(self, folder: Path, reading: ReadStatus = NEW) -> None:
        self.warnings: list[str] = []
        self.storage = FolderStorage(folder)
        self.inventories = RawResources(self.storage, self.warnings.append)
        tagging = ReadStatus(Source.TAGGING, Reason.OK, last_success_at=utc_now())
        regions = [RegionReadStatus(region, (tagging, reading)) for region in (EU, US)]
        rows = [
            {"region": region, "arn": f"{source} {region}", "source": source}
            for region in (EU, US)
            for source in (Source.TAGGING, EXPLORER)
        ]
        table = pa.Table.from_pylist(
            [{**row, "resource_type": "sqs:queue", "tags": []} for row in rows],
            schema=RESOURCE_SCHEMA,
        )
        status = inventory(regions=regions, account_id=ID).status
        self.inventories.store(AccountInventory(status, table))

    def take(self, request: str = "any view", seconds: float = 3600) -> list[str] | None:
        """The ARNs of the result of Ireland."""
        results = ReusableResults(self.inventories, EXPLORER, request, seconds)
        found = results.take(ID, EXPLORER, EU)
        arns: list[str] | None = found.rows["arn"].to_pylist() if found else None
        return arns


def test_a_new_result_is_reused_with_the_rows_of_its_source_and_region(tmp_path: Path) -> None:
    stored = Stored(tmp_path)
    assert stored.take() == ["resource_explorer eu-west-1"]
    results = ReusableResults(stored.inventories, EXPLORER, "any view", 3600)
    assert results.take(ID, Source.TAGGING, EU) is None
    found = results.take(ID, EXPLORER, US)
    assert found is not None
    assert found.returned_at == NEW.last_success_at


@pytest.mark.parametrize(
    "reading",
    [
        replace(NEW, last_success_at=utc_now() - HOUR),
        replace(NEW, result_at=utc_now() - HOUR),
        replace(NEW, last_success_at=utc_now() + HOUR),
        replace(NEW, reason=Reason.THROTTLED),
    ],
    ids=["old", "reused until it was old", "of a wrong clock", "carried forward after a failure"],
)
def test_any_other_result_is_read_again(tmp_path: Path, reading: ReadStatus) -> None:
    assert Stored(tmp_path, reading).take() is None


def test_another_view_or_no_reuse_reads_again(tmp_path: Path) -> None:
    stored = Stored(tmp_path)
    assert stored.take(request="view other") is None
    assert stored.take(seconds=0) is None


def test_a_damaged_table_has_no_results_and_is_reported(tmp_path: Path) -> None:
    stored = Stored(tmp_path)
    stored.storage.write(f"tables/raw_resources/{ID}.parquet", b"PAR1 damaged")
    assert stored.take() is None
    assert len(stored.warnings) == 1
