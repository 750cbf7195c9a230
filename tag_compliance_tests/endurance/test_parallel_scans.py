"""Two parallel scans with one storage, for example of the command line and of the schedule."""

from __future__ import annotations

import os
import random
import time

import pytest

from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.endurance.kill import Killing, leftovers
from tag_compliance_tests.endurance.scraping import scraping
from tag_compliance_tests.exporter.running import run_in_process
from tag_compliance_tests.support.exposition import Exposition

ROUNDS = int(os.environ.get("TAG_COMPLIANCE_TESTS_ROUNDS", "3"))
SEED = int(os.environ.get("TAG_COMPLIANCE_TESTS_SEED", random.randrange(1 << 32)))


@pytest.mark.timeout(60 + 20 * ROUNDS)
def test_an_older_scan_is_never_published_over_a_newer_and_no_result_is_a_mix(
    killing: Killing,
) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    store = SnapshotStore(FolderStorage(killing.place.state))
    published = []
    with (
        run_in_process(killing.place.state) as exporter,
        scraping(exporter.port, killing.results) as scraper,
    ):
        for number in range(ROUNDS):
            # Both scans of a round read the same state of AWS: they share the data of the accounts,
            # so each may use what the other has just read.
            first = killing.start(number % 2)
            time.sleep(rng.uniform(0, 0.3))
            second = killing.start(number % 2)
            for scan in (first, second):
                _, err = scan.communicate()
                # A reading that the other scan has replaced is not complete, and says so.
                replaced = "not stored: a later scan has stored this account" in str(err)
                assert scan.returncode == (3 if replaced else 0), err
            snapshot = store.load()
            assert snapshot is not None
            assert Exposition(snapshot.plain.decode()).contract_lines == killing.results[number % 2]
            published.append(snapshot.status.scan_started_at)
        assert published == sorted(set(published))
        # The snapshot that is not current is deleted by the next scan.
        killing.scan(0)
        assert not leftovers(killing.place.state)
    assert not scraper.faults
