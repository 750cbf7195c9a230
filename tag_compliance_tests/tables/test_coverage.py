"""The stored coverage: complete or missing, and never replaced by that of an earlier snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.coverage import CoverageRow, coverage_rows
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.tables.coverage import COVERAGE_SCHEMA, Coverage, StoredCoverage
from tag_compliance.tables.parquet import encode
from tag_compliance_tests.domain.organizations import NOON, summary_of
from tag_compliance_tests.snapshot.scans import POLICY, scanned_accounts

_NAME = "tables/coverage.parquet"


def _coverage() -> StoredCoverage:
    """One source was read, and two were not."""
    evaluations = scanned_accounts()
    statuses = tuple(evaluation.status for evaluation in evaluations)
    results = ComplianceResults(statuses, summary_of(evaluations, POLICY))
    return StoredCoverage("20261124T120000.000000Z-aaaaaa", NOON, tuple(coverage_rows(results)))


_COVERAGE = _coverage()


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "state")


@pytest.mark.parametrize("rows", [_COVERAGE.rows, ()])
def test_what_is_stored_is_loaded(storage: FolderStorage, rows: tuple[CoverageRow, ...]) -> None:
    repository, coverage = Coverage(storage, pytest.fail), replace(_COVERAGE, rows=rows)
    assert repository.load() is None
    assert repository.store(coverage)
    assert repository.load() == coverage


def test_other_programs_read_the_columns_of_a_row(storage: FolderStorage, tmp_path: Path) -> None:
    Coverage(storage, pytest.fail).store(_COVERAGE)
    table = pq.read_table(tmp_path / "state" / _NAME)
    assert table.schema.names == [field.name for field in fields(CoverageRow)]
    assert table.schema.equals(COVERAGE_SCHEMA)
    assert table["reason"].to_pylist() == ["ok", "throttled", "access_denied"]
    assert table["returned"].to_pylist() == [4, None, None]


def test_the_coverage_of_an_earlier_snapshot_does_not_replace_that_of_a_later_one(
    storage: FolderStorage,
) -> None:
    repository = Coverage(storage, pytest.fail)
    later = replace(_COVERAGE, snapshot_id="20261124T120001.000000Z-000000")
    assert repository.store(later)
    assert not repository.store(_COVERAGE)
    assert repository.load() == later


def test_the_coverage_of_a_clock_that_was_far_ahead_is_replaced(storage: FolderStorage) -> None:
    ahead = replace(
        _COVERAGE,
        snapshot_id="20991124T120000.000000Z-000000",
        scan_started_at=utc_now() + timedelta(days=365),
    )
    repository = Coverage(storage, pytest.fail)
    assert repository.store(ahead)
    assert repository.store(_COVERAGE)
    assert repository.load() == _COVERAGE


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda _: b"",
        lambda data: data.replace(b"throttled", b"throttles"),
        lambda _: encode(COVERAGE_SCHEMA.empty_table(), b"{}"),
    ],
)
def test_a_damaged_table_counts_as_missing_with_a_warning(
    storage: FolderStorage, damage: Callable[[bytes], bytes]
) -> None:
    Coverage(storage, pytest.fail).store(_COVERAGE)
    stored = storage.read(_NAME)
    assert stored is not None
    storage.write(_NAME, damage(stored.data))
    warnings: list[str] = []
    repository = Coverage(storage, warnings.append)
    assert repository.load() is None
    assert _NAME in warnings[0]
    assert repository.store(_COVERAGE)
    assert Coverage(storage, pytest.fail).load() == _COVERAGE
