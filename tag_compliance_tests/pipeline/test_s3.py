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
from tag_compliance_tests.pipeline.pipelines import Pipeline, samples_of
from tag_compliance_tests.pipeline.recording_proxy import RecordingProxy, recording_proxy
from tag_compliance_tests.pipeline.tables import inventory_file
from tag_compliance_tests.support.waiting import eventually

BUCKET = "tag-compliance"


@pytest.fixture
def s3(
    simulated_s3: str, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RecordingProxy]:
    """S3 is simulated by moto, everything else by the fake."""
    with recording_proxy(simulated_s3) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        with contextlib.closing(boto3.client("s3")) as client:
            client.create_bucket(Bucket=BUCKET)
        proxy.requests.clear()
        yield proxy


@pytest.fixture
def on_s3(scanning: Pipeline, s3: RecordingProxy, request: pytest.FixtureRequest) -> Pipeline:
    """Each test has its own prefix."""
    scanning.configure(storage=f"s3://{BUCKET}/{request.node.name}")
    return scanning


def test_a_complete_a_partial_and_a_failed_scan_have_the_same_results_on_s3_as_in_a_folder(
    on_s3: Pipeline, fake: FakeAws
) -> None:
    def results(pipeline: Pipeline) -> list[object]:
        fake.faults.clear()
        assert pipeline.scan().success
        found: list[object] = [pipeline.samples()]
        fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=pipeline.ids[0])
        assert pipeline.scan().success
        good = pipeline.current()
        fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
        assert pipeline.scan().success
        assert pipeline.current().status.counts == good.status.counts
        assert pipeline.last_outcome() is Outcome.NOTHING
        tables = [name for name in pipeline.storage.names("tables/") if "raw" in name]
        assert tables == [inventory_file(account_id) for account_id in pipeline.ids]
        return [*found, pipeline.samples(), good.status.outcome]

    found = results(on_s3)
    assert not (on_s3.folder / "state").exists()
    on_s3.configure()
    assert results(on_s3) == found


def test_a_reader_polls_with_one_conditional_request_and_reads_only_objects(
    on_s3: Pipeline, s3: RecordingProxy
) -> None:
    on_s3.scan()
    s3.requests.clear()
    watcher = SnapshotWatcher(on_s3.snapshots)
    watcher.poll()
    assert len(s3.requests) == 4
    for _ in range(5):
        watcher.poll()
    polls = s3.requests[4:]
    assert [(a.method, a.conditional, a.status) for a in polls] == [("GET", True, 304)] * 5
    assert {a.path.rpartition("/")[2] for a in polls} == {"current.json"}
    # s3:GetObject permits these requests: no listing, no HEAD, only objects by their key.
    assert {(a.method, a.query.replace("x-id=GetObject", "")) for a in s3.requests} == {("GET", "")}
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
        wanted = on_s3.samples()
        assert samples_of(exporter.get("/metrics").body) == wanted
        s3.down = True
        eventually(lambda: exporter.get("/health").status == 503)
        assert "cannot read" in exporter.get("/health").text
        assert exporter.get("/ready").status == 200
        assert samples_of(exporter.get("/metrics").body) == wanted
        s3.down = False
        eventually(lambda: exporter.get("/health").status == 200)
        s3.requests.clear()
        eventually(lambda: len(s3.requests) >= 2)
        assert {(a.method, a.status) for a in s3.requests} == {("GET", 304)}
