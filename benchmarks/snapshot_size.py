"""Measures a snapshot of many types, and the memory of the exporter while it changes.

    python -m benchmarks.snapshot_size --case 200x17x60x1 --case 200x17x60x4

A case is ACCOUNTSxREGIONSxTYPESxTAGS: every region has one resource of each type, and TAGS tags are
required. Each resource in ten lacks one of them. The exporter loads a first snapshot, and then
another one of the same size that replaces it. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.process import MB, module, read_json
from benchmarks.servers import Server, run_exporter

_CASES = ("100x4x13x4", "200x5x13x4", "200x17x60x1", "200x17x60x4")
_SAMPLE_SECONDS, _SETTLE_SECONDS = 0.005, 3.0
_COLUMNS = (
    *("accounts × regions × types × tags", "series", "of them detail", "plain", "compressed"),
    *("exporter", "at most while it changes"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--case", action="append", help=f"default: {', '.join(_CASES)}")
    parser.add_argument("--publish", metavar="FOLDER", help="publish a case there")
    options = parser.parse_args()
    cases = [tuple(map(int, case.split("x"))) for case in options.case or _CASES]
    if options.publish:
        print(json.dumps(_publish(*cases[0], storage=options.publish)))
        return
    print(f"| {' | '.join(_COLUMNS)} |\n| {' | '.join('---' for _ in _COLUMNS)} |")
    for case in cases:
        print(f"| {' | '.join(_row(case))} |", flush=True)


def _row(case: tuple[int, ...]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        storage = Path(folder) / "state"
        name = "x".join(map(str, case))
        publish = module("snapshot_size", "--case", name, "--publish", str(storage))
        made = read_json(publish)
        with run_exporter(storage) as exporter:
            before = exporter.resident_bytes()
            first = _served(exporter)
            most = _peak_while(exporter, lambda: read_json(publish), first)
    return [
        " × ".join(f"{number:,}" for number in case),
        f"{made['samples']:,}",
        f"{made['detail_series']:,}",
        f"{made['plain_bytes'] / MB:,.0f} MB",
        f"{made['gzip_bytes'] / MB:.1f} MB",
        f"{before / MB:,.0f} MB",
        f"{most / MB:,.0f} MB",
    ]


def _peak_while(exporter: Server, publish: Any, first: str) -> int:
    """The peak memory from before the second snapshot until some time after it is served."""
    peak, ended = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(_SAMPLE_SECONDS):
            peak = max(peak, exporter.resident_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    publish()
    while _served(exporter) == first:
        time.sleep(_SAMPLE_SECONDS)
    time.sleep(_SETTLE_SECONDS)
    ended.set()
    watcher.join()
    return peak


def _served(exporter: Server) -> str:
    """The ETag without the part of the exporter's own metrics: it changes with the snapshot."""
    from benchmarks.scrape import Scraper

    scraper = Scraper(exporter)
    _, etag = scraper.scrape("HEAD", "")
    scraper.close()
    found = re.search(r'"([^"]+)"', etag)
    assert found
    return found[1]


def _publish(accounts: int, regions: int, types: int, tags: int, *, storage: str) -> dict[str, Any]:
    # Imported here: the process that measures must stay small, see `benchmarks.process.measure`.
    from benchmarks.large_snapshot import contents_of
    from tag_compliance.snapshot.store import SnapshotStore
    from tag_compliance.storage.open import open_storage

    contents = contents_of(accounts, regions, types, tags)
    store = SnapshotStore(open_storage(storage))
    store.publish(contents.exposition, contents.status)
    snapshot = store.load()
    assert snapshot is not None
    return {
        "samples": contents.status.samples,
        "detail_series": contents.detail_series,
        "plain_bytes": len(snapshot.plain),
        "gzip_bytes": len(snapshot.gzip.body),
    }


if __name__ == "__main__":
    main()
