"""The pipeline on S3, and an exporter that reads from there with few small requests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import boto3
import pytest

from tag_compliance.domain.read_status import Outcome
from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher
from tag_compliance_tests.exporter.running import run_in_process
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.pipelines import Pipeline, samples_of
from tag_compliance_tests.pipeline.recording_proxy import RecordingProxy, recording_proxy
from tag_compliance_tests.support.waiting import eventually

BUCKET = "tag-compliance"


@pytest.fixture
def s3(
    simulated_s3: str,
    fake: FakeAws,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[RecordingProxy]:
    """S3 is simulated by moto, everything else by the fake; each test has its own prefix."""
    with recording_proxy(simulated_s3) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        with contextlib.closing(boto3.client("s3")) as client:
            client.create_bucket(Bucket=BUCKET)
        proxy.requests.clear()
        yield proxy


@pytest.fixture
def on_s3(
    pipeline: Pipeline, fake: FakeAws, s3: RecordingProxy, request: pytest.FixtureRequest
) -> Pipeline:
    pipeline.configure(ids_of(fake), storage=f"s3://{BUCKET}/{request.node.name}")
    return pipeline


def test_the_samples_of_a_pipeline_on_s3_equal_those_in_a_folder(
    on_s3: Pipeline, fake: FakeAws
) -> None:
    assert on_s3.scan().success
    samples = on_s3.samples()
    assert [name for name in on_s3.storage.names("tables/") if "raw" in name] == [
        f"tables/raw_resources/{account_id}.parquet" for account_id in ids_of(fake)
    ]
    assert not (on_s3.folder / "state").exists()
    on_s3.configure(ids_of(fake))
    on_s3.scan()
    assert on_s3.samples() == samples


def test_a_failed_account_and_a_failed_scan_have_the_same_results_on_s3(
    on_s3: Pipeline, fake: FakeAws
) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=ids_of(fake)[0])
    assert on_s3.scan().success
    good = on_s3.current()
    assert good.status.outcome is Outcome.PARTIAL
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    assert not on_s3.scan().success
    assert on_s3.current().snapshot_id == good.snapshot_id
    last = on_s3.snapshots.look().last_scan
    assert last is not None
    assert last.outcome is Outcome.NOTHING


def test_a_reader_polls_with_one_conditional_request_and_reads_only_objects(
    on_s3: Pipeline, s3: RecordingProxy
) -> None:
    on_s3.scan()
    s3.requests.clear()
    watcher = SnapshotWatcher(on_s3.snapshots)
    watcher.poll()
    first = len(s3.requests)
    for _ in range(5):
        watcher.poll()
    polls = s3.since(first)
    assert [(a.method, a.conditional, a.status) for a in polls] == [("GET", True, 304)] * 5
    assert {a.path.rpartition("/")[2] for a in polls} == {"current.json"}
    # s3:GetObject permits these requests: no listing, no HEAD, only objects by their key.
    assert {(a.method, a.query.replace("x-id=GetObject", "")) for a in s3.requests} == {("GET", "")}
    assert first == 4


def test_a_new_snapshot_is_found_by_the_next_poll(on_s3: Pipeline, s3: RecordingProxy) -> None:
    on_s3.scan()
    watcher = SnapshotWatcher(on_s3.snapshots)
    watcher.poll()
    on_s3.scan()
    watcher.poll()
    assert watcher.state.snapshot is not None
    assert watcher.state.snapshot.snapshot_id == on_s3.current().snapshot_id


def test_an_exporter_serves_the_last_good_snapshot_through_an_outage_of_s3(
    on_s3: Pipeline, s3: RecordingProxy
) -> None:
    on_s3.scan()
    with run_in_process(on_s3.config().storage, poll_interval=0.2) as exporter:
        eventually(lambda: exporter.get("/ready").status == 200)
        wanted = samples_of(on_s3.current().plain)
        assert samples_of(exporter.get("/metrics").body) == wanted
        s3.down = True
        eventually(lambda: exporter.get("/health").status == 503)
        assert "cannot read" in exporter.get("/health").text
        assert exporter.get("/ready").status == 200
        assert samples_of(exporter.get("/metrics").body) == wanted
        s3.down = False
        eventually(lambda: exporter.get("/health").status == 200)
        idle = len(s3.requests)
        eventually(lambda: len(s3.since(idle)) >= 2)
        assert {(a.method, a.status) for a in s3.since(idle)} == {("GET", 304)}
