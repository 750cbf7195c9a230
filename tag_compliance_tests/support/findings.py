"""Snapshots with a findings database, published as the pipeline publishes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.snapshot.findings_db import build_findings_db
from tag_compliance.snapshot.layout import DATABASE, Piece, path_of, piece_of
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.base import Storage
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.snapshot.test_findings_db import contents
from tag_compliance_tests.support.snapshots import EXPOSITION, scan_status


def publish_findings(
    storage: Path | Storage,
    rows: Sequence[ReportRow],
    change: Callable[[Path], object] = lambda _: None,
    **changes: Any,
) -> str:
    """Publishes a fresh snapshot with these findings; returns its id.

    `change` changes the file of the database before its hash is taken.
    """
    store_in = FolderStorage(storage) if isinstance(storage, Path) else storage

    def write(snapshot_id: str) -> Piece:
        with TemporaryDirectory() as folder:
            path = Path(folder, DATABASE)
            build_findings_db(path, contents(rows, snapshot_id=snapshot_id, **changes))
            change(path)
            store_in.write_file(path_of(snapshot_id, DATABASE), path)
            return piece_of(path)

    snapshot_id = SnapshotStore(store_in).publish(EXPOSITION, scan_status(), write_database=write)
    assert snapshot_id is not None
    return snapshot_id
