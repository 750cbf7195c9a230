"""Publishes a snapshot with any number of detail series, as the pipeline does.

python -m benchmarks.organization_snapshot --series 500000 --storage FOLDER
"""

from __future__ import annotations

import argparse
import json

from tag_compliance.domain.families import Occasion

from benchmarks.organization import POLICY, results_of
from tag_compliance.domain.clock import utc_now
from tag_compliance.snapshot.builder import build_contents
from tag_compliance.snapshot.layout import GZIP, PLAIN
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.open import open_storage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, required=True)
    parser.add_argument("--storage", required=True)
    arguments = parser.parse_args()
    results = results_of(-(-arguments.series // len(POLICY.required_tags)), missing_all=True)
    now = utc_now()
    contents = build_contents(
        results, Occasion(now, now, "benchmark"), max_detail_series=0, refresh_interval=86_400
    )
    store = SnapshotStore(open_storage(arguments.storage))
    snapshot_id = store.publish(contents.exposition, contents.status)
    snapshot = store.load()
    assert snapshot is not None
    published = {
        "files": {name: f"snapshots/{snapshot_id}/{name}" for name in (PLAIN, GZIP)},
        "samples": contents.samples,
        "detail_series": contents.detail_series,
        "plain_bytes": len(snapshot.plain),
        "gzip_bytes": len(snapshot.gzip),
    }
    print(json.dumps(published))


if __name__ == "__main__":
    main()
