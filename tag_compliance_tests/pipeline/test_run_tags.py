"""The start time that all runs of a scan share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from tag_compliance.pipeline.run_tags import SCAN_TAG, scan_id, scan_times
from tag_compliance.pipeline.scan_times import ScanTimes

NOON = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
TAGS = {SCAN_TAG: scan_id(NOON)}


def test_every_run_of_a_scan_has_its_start_in_a_tag() -> None:
    times = scan_times(dg.DagsterRun("publish", tags=TAGS))
    assert times.started_at == NOON
    assert times.read_since is not None
    assert timedelta() < NOON - times.read_since <= timedelta(seconds=5), "clocks differ"


@pytest.mark.parametrize("tags", [{}, {SCAN_TAG: "yesterday"}])
def test_a_run_without_a_scan_starts_now_and_every_stored_account_belongs_to_it(
    tags: dict[str, str],
) -> None:
    times = scan_times(dg.DagsterRun("publish", tags=tags))
    assert times.started_at > NOON
    assert times.read_since is None


def test_a_re_execution_starts_now_although_it_has_the_tags_of_an_old_scan() -> None:
    run = dg.DagsterRun("scan", tags=TAGS, parent_run_id="a", root_run_id="a")
    assert scan_times(run).started_at > NOON
    assert scan_times(run).read_since == scan_times(dg.DagsterRun("scan", tags=TAGS)).read_since


@pytest.mark.parametrize(
    ("own", "published", "expected"),
    [
        (None, None, None),
        (None, NOON, NOON),
        (None, NOON + timedelta(days=1), None),
        (NOON - timedelta(hours=1), NOON, NOON - timedelta(hours=1)),
    ],
    ids=["no scan yet", "a single account", "a clock that was ahead", "a scan of all accounts"],
)
def test_an_account_that_the_published_scan_did_not_read_stays_failed(
    own: datetime | None, published: datetime | None, expected: datetime | None
) -> None:
    times = ScanTimes(NOON + timedelta(minutes=5), own)
    assert times.not_before(ScanTimes(NOON, published)).read_since == expected
