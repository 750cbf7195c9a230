"""One stored evaluation for each account; the one of the latest reading stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tag_compliance.domain.policy import Policy
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.tables.findings import Findings
from tag_compliance_tests.domain.organizations import evaluated, inventory

_EVALUATION = evaluated(inventory(("eu-west-1", "a", {})), Policy(("Owner",)))
_FILE = f"tables/findings/{_EVALUATION.account_id}.parquet"


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path)


@pytest.fixture
def findings(storage: FolderStorage, warnings: list[str]) -> Findings:
    return Findings(storage, warnings.append)


def test_an_evaluation_can_be_loaded_with_or_without_its_findings(findings: Findings) -> None:
    assert findings.load(_EVALUATION.account_id) is None
    assert findings.store(_EVALUATION)
    loaded = findings.load(_EVALUATION.account_id)
    assert loaded is not None
    assert loaded.summary == _EVALUATION.summary
    assert loaded.findings().to_pylist() == _EVALUATION.findings.to_pylist()


def test_the_evaluation_of_an_older_reading_never_replaces_a_newer_one(
    findings: Findings, storage: FolderStorage
) -> None:
    findings.store(_EVALUATION)
    before = storage.read(_FILE)
    started_at = _EVALUATION.status.started_at - timedelta(seconds=1)
    older = replace(_EVALUATION, status=replace(_EVALUATION.status, started_at=started_at))
    assert not findings.store(older)
    assert storage.read(_FILE) == before


def test_a_damaged_evaluation_counts_as_missing_and_is_replaced(
    findings: Findings, storage: FolderStorage, warnings: list[str]
) -> None:
    storage.write(_FILE, b"damaged")
    assert findings.load(_EVALUATION.account_id) is None
    assert findings.store(_EVALUATION)
    assert findings.load(_EVALUATION.account_id) is not None
    assert len(warnings) == 2
