"""The endpoints `/metrics`, `/health`, `/ready` and `/livez` over HTTP."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tag_compliance.domain.read_status import Outcome
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.support.snapshots import (
    EXPOSITION,
    FORMAT_1,
    failed_scan,
    open_store,
    publish,
    scan_status,
)
from tag_compliance_tests.support.waiting import eventually

LOADED = "tag_compliance_exporter_snapshot_loaded"


def _serve(exporter: Exporter, folder: Path, exposition: bytes = EXPOSITION) -> None:
    publish(folder, exposition)
    eventually(lambda: exporter.get("/metrics").body.startswith(exposition))


def test_a_scrape_returns_the_snapshot_byte_for_byte_followed_by_the_exporters_metrics(
    exporter: Exporter, tmp_path: Path
) -> None:
    _serve(exporter, tmp_path)
    response = exporter.get("/metrics")
    assert response.status == 200
    assert response.body.startswith(EXPOSITION + b"# HELP tag_compliance_exporter_build_info ")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["vary"] == "accept-encoding"
    assert int(response.headers["content-length"]) == len(response.body)
    assert response.sample(LOADED) == 1


def test_before_the_first_snapshot_a_scrape_succeeds_and_ready_and_health_return_503(
    exporter: Exporter,
) -> None:
    for encoding in ("identity", "gzip"):
        response = exporter.get("/metrics", Accept_Encoding=encoding)
        body = gzip.decompress(response.body) if encoding == "gzip" else response.body
        assert response.status == 200
        assert f"{LOADED} 0.0\n" in body.decode()
    assert exporter.get("/ready").status == 503
    assert exporter.get("/livez").status == 200
    health = exporter.get("/health")
    assert health.status == 503
    assert json.loads(health.body)["reasons"] == ["no snapshot has been published yet"]


def test_a_compressed_scrape_is_one_gzip_member_with_the_same_text(
    exporter: Exporter, tmp_path: Path
) -> None:
    _serve(exporter, tmp_path)
    response = exporter.get("/metrics", Accept_Encoding="gzip")
    assert response.headers["content-encoding"] == "gzip"
    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
    text = member.decompress(response.body)
    assert member.eof
    assert member.unused_data == b""
    assert text.startswith(EXPOSITION)
    assert f"{LOADED} 1.0\n".encode() in text


def test_a_conditional_scrape_gets_304_until_there_is_a_new_snapshot(
    exporter: Exporter, tmp_path: Path
) -> None:
    _serve(exporter, tmp_path)
    etag = exporter.get("/metrics").headers["etag"]
    assert etag.startswith('W/"')
    for condition in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        response = exporter.get("/metrics", If_None_Match=condition)
        assert (response.status, response.body, response.headers["etag"]) == (304, b"", etag)
    _serve(exporter, tmp_path, b"newer 1\n")
    assert exporter.get("/metrics", If_None_Match=etag).status == 200


def test_head_returns_the_headers_of_get_without_a_body_on_every_path(
    exporter: Exporter, tmp_path: Path
) -> None:
    _serve(exporter, tmp_path)
    for path in ("/metrics", "/health", "/ready", "/livez", "/"):
        got, head = exporter.get(path), exporter.get(path, "HEAD")
        assert (head.status, head.body) == (got.status, b"")
        assert head.headers["content-type"] == got.headers["content-type"]
        assert abs(int(head.headers["content-length"]) - len(got.body)) < 20


def test_other_methods_get_405_and_other_paths_404_as_plain_text(exporter: Exporter) -> None:
    for path in ("/metrics", "/health", "/ready", "/livez", "/"):
        response = exporter.get(path, "POST")
        assert (response.status, response.text) == (405, "405 Method Not Allowed\n")
        assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}
    for path in ("/nothing", "/metrics/", "/docs", "/openapi.json", "/%00", "/..%2f"):
        response = exporter.get(path)
        assert (response.status, response.text) == (404, "404 Not Found\n")


def test_health_reports_a_failed_scan_while_the_last_good_snapshot_is_still_served(
    exporter: Exporter, tmp_path: Path
) -> None:
    _serve(exporter, tmp_path)
    assert exporter.get("/health").status == 200
    open_store(tmp_path).record(failed_scan(datetime.now(UTC), "every account denied"))
    eventually(lambda: exporter.get("/health").status == 503)
    assert "the last scan failed: every account denied" in exporter.get("/health").text
    response = exporter.get("/metrics")
    assert response.body.startswith(EXPOSITION)
    assert response.sample("tag_compliance_exporter_last_scan_success") == 0
    assert exporter.get("/ready").status == 200


def test_health_mentions_a_partial_scan_and_returns_200(exporter: Exporter, tmp_path: Path) -> None:
    status = scan_status(outcome=Outcome.PARTIAL, failures=("shop eu-west-1: throttled",))
    publish(tmp_path, status=status)
    eventually(lambda: exporter.get("/health").status == 200)
    assert "the last scan is partial: shop eu-west-1: throttled" in exporter.get("/health").text


def test_a_damaged_snapshot_is_reported_by_health_and_metrics_and_never_served(
    exporter: Exporter, tmp_path: Path
) -> None:
    _serve(exporter, tmp_path)
    (tmp_path / "current.json").write_bytes(b"{}}")
    eventually(lambda: exporter.get("/health").status == 503)
    _assert_the_good_snapshot_is_served(exporter)


def test_an_exporter_that_starts_with_a_damaged_snapshot_serves_the_newest_good_one(
    tmp_path: Path,
) -> None:
    good = publish(tmp_path)
    damaged = publish(tmp_path, b"newer 1\n")
    (tmp_path / "snapshots" / damaged / "metrics.txt").write_bytes(b"newer 2\n")
    with run_in_thread(tmp_path) as exporter:
        health = exporter.get("/health")
        assert (health.status, json.loads(health.text)["snapshot"]) == (503, good)
        assert f"snapshot {damaged} is unreadable: metrics.txt has been altered" in health.text
        _assert_the_good_snapshot_is_served(exporter)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e308", "-1"])
def test_an_impossible_number_in_an_altered_manifest_makes_the_snapshot_unreadable(
    exporter: Exporter, tmp_path: Path, value: str
) -> None:
    _serve(exporter, tmp_path)
    altered = publish(tmp_path, b"newer 1\n")
    manifest = tmp_path / "snapshots" / altered / "snapshot.json"
    key = '"stale_after_seconds":'
    text = manifest.read_text().replace(f"{key}900.0", f"{key}{value}")
    manifest.write_text(text)
    pointer = json.loads((tmp_path / "current.json").read_text())
    pointer["snapshot"]["manifest_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    (tmp_path / "current.json").write_text(json.dumps(pointer))
    with run_in_thread(tmp_path) as restarted:
        health = restarted.get("/health")
        assert health.status == 503
        assert "snapshot.json is malformed" in health.text
        _assert_the_good_snapshot_is_served(restarted)


def _assert_the_good_snapshot_is_served(exporter: Exporter) -> None:
    response = exporter.get("/metrics")
    assert (response.status, exporter.get("/").status, exporter.get("/ready").status) == (200,) * 3
    assert response.body.startswith(EXPOSITION)
    assert response.sample("tag_compliance_exporter_snapshot_readable") == 0
    assert response.sample("tag_compliance_exporter_storage_up") == 1
    assert (response.sample("tag_compliance_exporter_snapshot_load_failures_total") or 0) >= 1


def test_a_storage_that_an_older_version_wrote_is_served_and_replaced(
    exporter: Exporter, tmp_path: Path
) -> None:
    shutil.copytree(FORMAT_1, tmp_path, dirs_exist_ok=True)
    eventually(lambda: exporter.get("/ready").status == 200)
    served = exporter.get("/metrics")
    [old] = FORMAT_1.glob("snapshots/*/metrics.txt")
    assert served.body.startswith(old.read_bytes())
    page = exporter.get("/", Accept="text/html")
    assert (page.status, "2 of 3 compliant" in page.text) == (200, True)
    publish(tmp_path, status=scan_status(datetime(2030, 1, 1, tzinfo=UTC)))
    eventually(lambda: EXPOSITION in exporter.get("/metrics").body)
