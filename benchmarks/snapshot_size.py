"""Measures a snapshot of many types, and the memory of the exporter while it changes.

    python -m benchmarks.snapshot_size --case 200x17x60x1 --case 200x17x60x4

A case is ACCOUNTSxREGIONSxTYPESxTAGS: every region has one resource of each type, and TAGS tags are
required. One resource in ten lacks one of them. The exporter loads a first snapshot, and then
another one of the same size that replaces it. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.process import MB, call
from benchmarks.report import Table
from benchmarks.scrape import HEAD, Scraper
from benchmarks.servers import Server, run_exporter

_CASES = ("100x4x13x4", "200x5x13x4", "200x17x60x1", "200x17x60x4")
_POLL_SECONDS, _SETTLE_SECONDS = 0.05, 3.0
_COLUMNS = (
    *("accounts × regions × types × tags", "series", "of them detail", "text", "compressed"),
    *("memory of the exporter", "at most, while a snapshot changes"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--case", action="append", help=f"default: {', '.join(_CASES)}")
    cases = parser.parse_args().case or _CASES
    rows = [_row([int(number) for number in case.split("x")]) for case in cases]
    print(Table("Size of a snapshot", _COLUMNS, rows).markdown())


def _row(case: list[int]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        storage = Path(folder) / "state"
        made = call("large_snapshot.publish", *case, str(storage))
        with run_exporter(storage) as exporter:
            before, first = exporter.resident_bytes(), _served(exporter)

            def publish_and_wait() -> None:
                call("large_snapshot.publish", *case, str(storage))
                while _served(exporter) == first:
                    time.sleep(_POLL_SECONDS)
                time.sleep(_SETTLE_SECONDS)

            most = exporter.peak_bytes_while(publish_and_wait)
    return [
        " × ".join(f"{number:,}" for number in case),
        f"{made['samples']:,}",
        f"{made['detail_series']:,}",
        f"{made['plain_bytes'] / MB:,.0f} MB",
        f"{made['gzip_bytes'] / MB:.1f} MB",
        f"{before / MB:,.0f} MB",
        f"{most / MB:,.0f} MB",
    ]


def _served(exporter: Server) -> str:
    """The ETag, which changes with the snapshot."""
    with closing(Scraper(exporter)) as scraper:
        return scraper.scrape(HEAD)


if __name__ == "__main__":
    main()
