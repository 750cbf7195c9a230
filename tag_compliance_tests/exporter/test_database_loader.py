"""Which findings database is served, and what is served without one."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tag_compliance.snapshot.layout import DATABASE, path_of
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.storage.open import open_storage
from tag_compliance.storage.temporary import LOCK
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.reports.rows import report_row
from tag_compliance_tests.snapshot.intercepted_storage import InterceptedStorage
from tag_compliance_tests.storage.conftest import BUCKET, s3
from tag_compliance_tests.support.findings import publish_findings
from tag_compliance_tests.support.snapshots import EXPOSITION, publish
from tag_compliance_tests.support.waiting import eventually

__all__ = ["s3"]

PATH = "/api/v1/findings"


def served(exporter: Exporter) -> str | None:
    """The id of the snapshot whose findings are served."""
    response = exporter.get(PATH)
    if response.status != 200:
        return None
    found: str = json.loads(response.body)["snapshot"]["snapshot_id"]
    return found


def _serves(exporter: Exporter, snapshot_id: str) -> bool:
    return served(exporter) == snapshot_id


def unavailable(exporter: Exporter) -> str:
    """Why no findings are served, once the snapshot's metrics are."""
    eventually(lambda: exporter.get("/metrics").body.startswith(EXPOSITION))
    eventually(lambda: "no snapshot has been loaded" not in exporter.get(PATH).text)
    response = exporter.get(PATH)
    assert response.status == 503
    assert response.headers["retry-after"] == "5"
    assert exporter.get("/ready").status == 200
    detail: str = json.loads(response.body)["detail"]
    return detail


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_before_the_first_snapshot_findings_are_unavailable(exporter: Exporter) -> None:
    response = exporter.get(PATH)
    assert response.status == 503
    assert "no snapshot has been loaded yet" in response.text


def test_the_findings_of_a_new_snapshot_are_served_without_a_restart(
    exporter: Exporter, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        snapshot_id = publish_findings(tmp_path, [report_row(name)])
        eventually(partial(_serves, exporter, snapshot_id))
        [finding] = json.loads(exporter.get(PATH).body)["findings"]
        assert finding["arn"].endswith(f"/{name}")


def test_a_snapshot_without_a_database_says_why_there_are_no_findings(
    exporter: Exporter, tmp_path: Path
) -> None:
    snapshot_id = publish(tmp_path)
    detail = unavailable(exporter)
    assert snapshot_id in detail
    assert "findings_database" in detail


def test_a_metric_says_whether_the_findings_of_the_snapshot_can_be_queried(
    exporter: Exporter, tmp_path: Path
) -> None:
    name = "tag_compliance_exporter_findings_database_loaded"
    assert exporter.get("/metrics").sample(name) is None
    publish_findings(tmp_path, [report_row()])
    eventually(lambda: exporter.get("/metrics").sample(name) == 1.0)
    publish(tmp_path)
    eventually(lambda: exporter.get("/metrics").sample(name) == 0.0)


@pytest.mark.parametrize("damage", [b"", b"x" * 100_000])
def test_a_damaged_database_is_never_opened_and_metrics_are_served(
    damage: bytes, tmp_path: Path
) -> None:
    snapshot_id = publish_findings(tmp_path, [report_row()])
    (tmp_path / path_of(snapshot_id, DATABASE)).write_bytes(damage)
    with run_in_thread(tmp_path) as exporter:
        assert "findings.sqlite has been altered" in unavailable(exporter)


def test_a_database_that_is_no_database_is_reported(tmp_path: Path) -> None:
    publish_findings(tmp_path, [], change=lambda path: path.write_bytes(b"nothing"))
    with run_in_thread(tmp_path) as exporter:
        assert "file is not a database" in unavailable(exporter)


def test_a_database_of_another_version_is_reported(tmp_path: Path) -> None:
    def renumber(path: Path) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE meta SET value = '9' WHERE key = 'schema_version'")

    publish_findings(tmp_path, [], change=renumber)
    with run_in_thread(tmp_path) as exporter:
        assert "has version 9, not 1" in unavailable(exporter)


def test_a_missing_database_is_reported_and_metrics_are_served_until_it_is_there(
    tmp_path: Path,
) -> None:
    snapshot_id = publish_findings(tmp_path, [report_row()])
    path = tmp_path / path_of(snapshot_id, DATABASE)
    content = path.read_bytes()
    path.unlink()
    with run_in_thread(tmp_path) as exporter:
        assert "findings.sqlite is missing" in unavailable(exporter)
        path.write_bytes(content)
        eventually(lambda: served(exporter) == snapshot_id)


def test_metrics_are_served_while_a_database_is_loaded(tmp_path: Path) -> None:
    publish_findings(tmp_path, [report_row()])
    loading, may_go_on = threading.Event(), threading.Event()

    def wait(_operation: str, name: str) -> None:
        if name.endswith(DATABASE):
            loading.set()
            may_go_on.wait()

    storage = InterceptedStorage(FolderStorage(tmp_path), wait)
    try:
        with run_in_thread(SnapshotStore(storage)) as exporter:
            assert loading.wait(60)
            assert exporter.get("/metrics").body.startswith(EXPOSITION)
            assert exporter.get("/ready").status == 200
            assert exporter.get(PATH).status == 503
            may_go_on.set()
            eventually(lambda: exporter.get(PATH).status == 200)
    finally:
        may_go_on.set()


def test_a_folders_database_is_served_without_a_copy(temporary: Path, tmp_path: Path) -> None:
    snapshot_id = publish_findings(tmp_path / "state", [report_row()])
    with run_in_thread(tmp_path / "state") as exporter:
        eventually(lambda: served(exporter) == snapshot_id)
        assert not [*temporary.iterdir()]


@pytest.mark.usefixtures("s3")
def test_of_a_bucket_the_newest_two_databases_are_copied_until_the_exporter_ends(
    temporary: Path,
) -> None:
    storage = open_storage(f"s3://{BUCKET}/prefix")
    ids = [publish_findings(storage, [report_row()])]
    with run_in_thread(SnapshotStore(storage)) as exporter:
        eventually(lambda: served(exporter) == ids[-1])
        for _ in range(3):
            ids.append(publish_findings(storage, [report_row()]))
            eventually(lambda: served(exporter) == ids[-1])
            copies = {path.name for path in temporary.glob("*/*")} - {LOCK}
            assert copies == {f"{id_}.sqlite" for id_ in ids[-2:]}
    assert not [*temporary.iterdir()]
