"""Measures what a scan adds to Dagster's storage: rows and bytes, by accounts and database.

    python -m benchmarks.event_log

Each scan is the real job on a simulated AWS. Bytes are the growth of the storage with its indices:
of the files for SQLite, of the database for PostgreSQL. The first scans fill caches and create
tables and do not count. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import sqlalchemy as sa

from tag_compliance.cli.dagster_home import EVENT_VARIABLES, MOST_PLANNED_ACCOUNTS, event_settings
from tag_compliance.simulator.generator import generate_organization
from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.pipeline.daemons import write_home
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.postgres import running_postgres, storage_section

_WARM_UP, _SCANS = 2, 3
_RUNS_PER_SCAN = 2
_SCANS_PER_DAY = 86_400 // 300
_URL = "DAGSTER_POSTGRES_URL"
_REGION = ("us-east-1",)

Size = Callable[[], int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--accounts", default="10,50,100,200,500,1000")
    parser.add_argument(
        "--most-planned", type=int, default=MOST_PLANNED_ACCOUNTS, help="above, one planned event"
    )
    options = parser.parse_args()
    columns = "event rows / scan", "bytes / scan", "CPU / scan", "rows / day", "bytes / day"
    print(f"| accounts | storage | {' | '.join(columns)} |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for accounts in map(int, options.accounts.split(",")):
        for name, place in (("SQLite", _sqlite), ("PostgreSQL", _postgres)):
            settings = event_settings(accounts, options.most_planned)
            rows, size, seconds = measure(accounts, settings, place)
            print(
                f"| {accounts:,} | {name} | {rows:,} | {size / 1e6:.2f} MB | {seconds:.1f} s "
                f"| {rows * _SCANS_PER_DAY:,} | {size * _SCANS_PER_DAY / 1e9:.2f} GB |",
                flush=True,
            )


def measure(
    accounts: int,
    settings: Mapping[str, str],
    place: Callable[[Path], Iterator[tuple[Path, Size]]],
) -> tuple[int, int, float]:
    """Event rows, bytes and CPU seconds of one scan."""
    organization = generate_organization(accounts, _REGION, 5)
    with tempfile.TemporaryDirectory() as folder, SimulatedAws(organization) as aws:
        os.environ.pop(EVENT_VARIABLES[0], None)
        os.environ.update({**aws.environment(), **settings})
        root = Path(folder)
        with (
            contextmanager(place)(root) as (home, size),
            dg.DagsterInstance.from_config(str(home)) as instance,
        ):
            pipeline = Pipeline(root, instance)
            pipeline.configure(a.account_id for a in organization)
            for _ in range(_WARM_UP):
                assert pipeline.scan().success
            before, began = size(), time.process_time()
            for _ in range(_SCANS):
                assert pipeline.scan().success
            seconds = (time.process_time() - began) / _SCANS
            runs = instance.get_runs(limit=_RUNS_PER_SCAN)
            rows = sum(len(instance.all_logs(run.run_id)) for run in runs)
            return rows, (size() - before) // _SCANS, seconds


def _sqlite(root: Path) -> Iterator[tuple[Path, Size]]:
    home = write_home(root / "dagster")

    def size() -> int:
        return sum(path.stat().st_size for path in home.rglob("*.db*"))

    yield home, size


def _postgres(root: Path) -> Iterator[tuple[Path, Size]]:
    with running_postgres() as url:
        os.environ[_URL] = url
        engine = sa.create_engine(url)

        def size() -> int:
            with engine.connect() as connection:
                size = connection.execute(sa.text("SELECT pg_database_size('postgres')"))
                return int(size.scalar_one())

        yield write_home(root / "dagster", storage_section(_URL)), size
        engine.dispose()


if __name__ == "__main__":
    main()
