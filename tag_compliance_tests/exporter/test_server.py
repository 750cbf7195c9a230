"""The exporter as a process: how it starts and stops, and the settings that it rejects."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tag_compliance.errors import BadConfiguration, CannotListen
from tag_compliance.exporter.server import ExporterSettings, serve
from tag_compliance_tests.exporter.certificates import trusting, write_certificate
from tag_compliance_tests.exporter.conftest import Start
from tag_compliance_tests.exporter.running import Exporter
from tag_compliance_tests.support.snapshots import publish
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS, eventually


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_exporter_with_exit_code_0_after_the_scrape_in_flight(
    start_process: Start, tmp_path: Path, number: signal.Signals
) -> None:
    exposition = b'a{b="' + b"x" * 20_000_000 + b'"} 1\n'
    publish(tmp_path, exposition)
    exporter = start_process(tmp_path)
    assert exporter.process is not None
    with exporter.connect() as client, exporter.connect():
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = client.recv(1000)
        exporter.process.send_signal(number)
        eventually(lambda: _refuses(exporter))
        while piece := client.recv(1 << 20):
            received += piece
    assert received.endswith(b"\n")
    assert exposition in received
    assert exporter.process.wait(DEADLINE_SECONDS) == 0
    eventually(lambda: exporter.log[-1]["event"] == "stopped")
    assert [line["event"] for line in exporter.log] == ["listening", "snapshot loaded", "stopped"]


def _refuses(exporter: Exporter) -> bool:
    try:
        exporter.connect().close()
    except OSError:
        return True
    return False


def test_the_first_response_is_ready_if_a_snapshot_exists(
    start_process: Start, tmp_path: Path
) -> None:
    publish(tmp_path)
    assert start_process(tmp_path).get("/ready").status == 200


def test_serving_a_folder_imports_no_heavy_library() -> None:
    script = """
import json, sys
from tag_compliance.exporter import server
from tag_compliance.exporter.app import create_app
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.open import open_storage
create_app(SnapshotStore(open_storage("state")))
print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    heavy = {"dagster", "pandas", "pyarrow", "numpy", "boto3", "botocore", "jinja2"}
    assert not heavy & set(json.loads(done.stdout))


def test_the_command_serve_needs_no_library_of_the_pipeline(tmp_path: Path) -> None:
    """The image for `serve` alone does not have them."""
    config = tmp_path / "config.yaml"
    config.write_text("storage: state\n", encoding="utf-8")
    script = """
import sys
sys.modules.update(dict.fromkeys(("dagster", "pandas", "pyarrow", "numpy")))
from tag_compliance.cli.main import main
sys.exit(main())
"""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["serve", "--config", str(config), "--port", port]
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert f"port {port}: Address already in use" in done.stderr


@pytest.mark.parametrize(
    ("host", "port", "cause"),
    [("127.0.0.1", None, "Address already in use"), ("192.0.2.1", 0, "Cannot assign requested")],
)
def test_an_unavailable_address_is_reported_in_one_line(
    tmp_path: Path, host: str, port: int | None, cause: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if port is None else port
        with pytest.raises(CannotListen) as caught:
            serve(ExporterSettings(str(tmp_path), host, port))
    assert str(caught.value).startswith(f"cannot listen on {host} port {port}: {cause}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "cause"),
    [
        ("AWS_PROFILE", "unknown", "The config profile (unknown) could not be found"),
        ("AWS_ENDPOINT_URL", "garbage", "Invalid endpoint: garbage"),
        ("AWS_ENDPOINT_URL", "http://[", "Invalid IPv6 URL"),
    ],
)
def test_an_environment_that_boto3_rejects_is_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, cause: str
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(BadConfiguration) as caught:
        serve(ExporterSettings("s3://bucket/prefix", "127.0.0.1", 0))
    shown = f"environment: the client for s3://bucket/prefix cannot be created: {cause}"
    assert str(caught.value).startswith(shown)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("certificate", "key", "shown"),
    [
        ("cert.pem", None, "--tls-cert = 'cert.pem': requires --tls-key as well"),
        (None, "key.pem", "--tls-key = 'key.pem': requires --tls-cert as well"),
        (
            "missing.pem",
            "key.pem",
            "--tls-cert = 'missing.pem': the TLS certificate cannot",
        ),
        (
            "cert.pem",
            "garbage.pem",
            "--tls-key = 'garbage.pem': the TLS certificate cannot",
        ),
    ],
)
def test_unusable_tls_files_are_reported_by_flag_and_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: str | None,
    key: str | None,
    shown: str,
) -> None:
    write_certificate(tmp_path)
    (tmp_path / "garbage.pem").write_text("garbage")
    monkeypatch.chdir(tmp_path)
    settings = ExporterSettings(
        "state",
        "127.0.0.1",
        0,
        tls_certificate=Path(certificate) if certificate else None,
        tls_key=Path(key) if key else None,
    )
    with pytest.raises(BadConfiguration) as caught:
        serve(settings)
    assert shown in str(caught.value)


def test_a_new_certificate_is_used_and_a_faulty_pair_keeps_the_old_one(
    start_process: Start, tmp_path: Path
) -> None:
    certificate, key = write_certificate(tmp_path)
    publish(tmp_path / "storage")
    files = {"tls_certificate": certificate, "tls_key": key}
    exporter = start_process(tmp_path / "storage", tls=trusting(certificate), **files)
    assert exporter.get("/metrics").status == 200

    old = certificate.read_bytes()
    write_certificate(tmp_path)
    exporter.tls = trusting(certificate)
    eventually(lambda: _trusted(exporter))

    certificate.write_bytes(old)
    readable = "tag_compliance_exporter_access_files_readable"
    eventually(lambda: exporter.get("/metrics").sample(readable) == 0)
    causes = [str(line.get("cause")) for line in exporter.log if "changed file" in line["event"]]
    assert causes
    assert "the TLS certificate cannot be read" in causes[0]


def _trusted(exporter: Exporter) -> bool:
    try:
        return exporter.get("/livez").status == 200
    except ssl.SSLError:
        return False
