"""Two concurrent scans on one storage, as when a person runs `scan` next to the schedule."""

from __future__ import annotations

import contextlib
import os
import random
import time

import pytest

from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.endurance.kill import Killing, leftovers
from tag_compliance_tests.endurance.scraping import Scraper
from tag_compliance_tests.exporter.running import run_in_process
from tag_compliance_tests.support.exposition import Exposition

ROUNDS = int(os.environ.get("TAG_COMPLIANCE_TESTS_ROUNDS", "3"))
SEED = int(os.environ.get("TAG_COMPLIANCE_TESTS_SEED", random.randrange(1 << 32)))


@pytest.mark.timeout(60 + 20 * ROUNDS)
def test_an_older_scan_is_never_published_over_a_newer_and_no_result_is_a_mix(
    killing: Killing,
) -> None:
    rng = random.Random(SEED)
    with contextlib.ExitStack() as stack:
        exporter = stack.enter_context(run_in_process(killing.place.state))
        # Both scans of a round read the same state of AWS. They share the tables of the accounts,
        # so a scan may publish what the other one has just read.
        scraper = stack.enter_context(Scraper(exporter.port, killing.results, pause=0.02))
        store = SnapshotStore(FolderStorage(killing.place.state))
        newest = None
        for number in range(ROUNDS):
            first = killing.start(number % 2)
            time.sleep(rng.uniform(0, 0.3))
            second = killing.start(number % 2)
            for scan in (first, second):
                _, err = scan.communicate()
                assert scan.returncode == 0, f"seed {SEED}, round {number}: {err}"
            snapshot = store.load()
            assert snapshot is not None
            assert Exposition(snapshot.plain.decode()).contract_lines == killing.results[number % 2]
            assert newest is None or snapshot.status.scan_started_at > newest
            newest = snapshot.status.scan_started_at
        # Of two snapshots with the same data, the one that is not current waits for the next sweep.
        last = killing.start(0)
        last.communicate()
        assert last.returncode == 0
        assert not leftovers(killing.place.state)
    assert not scraper.faults, f"seed {SEED}: {set(scraper.faults)}"
