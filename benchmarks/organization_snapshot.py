"""Publishes a snapshot with any number of detail series, as the pipeline does.

python -m benchmarks.organization_snapshot --series 500000 --storage FOLDER
"""

from __future__ import annotations

import argparse
import json

from benchmarks.organization import POLICY, evaluated, inventories, merged
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.metrics.table import SnapshotInfo
from tag_compliance.snapshot.builder import SnapshotSettings, build_contents
from tag_compliance.snapshot.layout import GZIP, PLAIN
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.open import open_storage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, required=True)
    parser.add_argument("--storage", required=True)
    arguments = parser.parse_args()
    resources = -(-arguments.series // len(POLICY.required_tags))
    results, load_findings = merged(evaluated(inventories(resources, missing_all=True)))
    now = utc_now()
    settings = SnapshotSettings(
        required_tags=POLICY.required_tags,
        max_detail_series=None,
        refresh_interval_seconds=86_400,
        thresholds=Thresholds(),
    )
    info = SnapshotInfo(now, now, "benchmark")
    contents = build_contents(results, load_findings, info, settings)
    store = SnapshotStore(open_storage(arguments.storage))
    snapshot_id = store.publish(contents.exposition, contents.status)
    snapshot = store.load()
    assert snapshot is not None
    published = {
        "files": {name: f"snapshots/{snapshot_id}/{name}" for name in (PLAIN, GZIP)},
        "samples": contents.status.samples,
        "detail_series": contents.detail_series,
        "plain_bytes": len(snapshot.plain),
        "gzip_bytes": len(snapshot.gzip.body),
    }
    print(json.dumps(published))


if __name__ == "__main__":
    main()
