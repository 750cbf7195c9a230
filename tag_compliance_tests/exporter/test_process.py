"""The exporter as a process: start, end, and what it refuses to start with."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tag_compliance.errors import BadConfiguration, CannotListen
from tag_compliance.exporter.server import ExporterSettings, serve
from tag_compliance_tests.exporter.certificates import trusting, write_certificate
from tag_compliance_tests.exporter.conftest import Start
from tag_compliance_tests.exporter.running import DEADLINE_SECONDS, Exporter, eventually
from tag_compliance_tests.exporter.snapshots import EXPOSITION, publish


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_exit_code_0_after_the_scrape_in_flight(
    start_process: Start, tmp_path: Path, number: signal.Signals
) -> None:
    exposition = b"# " + b"x" * 20_000_000 + b"\n"
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


def test_a_new_snapshot_is_served_without_a_restart(start_process: Start, tmp_path: Path) -> None:
    exporter = start_process(tmp_path)
    assert exporter.get("/ready").status == 503
    publish(tmp_path)
    eventually(lambda: exporter.get("/ready").status == 200)
    assert exporter.get("/metrics").body.startswith(EXPOSITION)


def test_it_is_ready_with_its_first_answer_if_there_is_a_snapshot(
    start_process: Start, tmp_path: Path
) -> None:
    publish(tmp_path)
    assert start_process(tmp_path).get("/ready").status == 200


def test_the_exporter_imports_nothing_heavy() -> None:
    script = """
import json, sys
import tag_compliance.exporter.server
print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    heavy = {"dagster", "pandas", "pyarrow", "numpy", "boto3", "botocore"}
    assert not heavy & set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("host", "port", "cause"),
    [("127.0.0.1", None, "Address already in use"), ("192.0.2.1", 0, "Cannot assign requested")],
)
def test_an_address_that_cannot_be_had_is_told_in_one_line(
    tmp_path: Path, host: str, port: int | None, cause: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if port is None else port
        with pytest.raises(CannotListen) as caught:
            serve(ExporterSettings(str(tmp_path), host, port))
    assert str(caught.value).startswith(f"cannot listen on {host} port {port}: {cause}")
    assert "\n" not in str(caught.value)


def test_unusable_tls_files_are_refused_by_flag_and_name(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    missing, garbage = tmp_path / "missing.pem", tmp_path / "garbage.pem"
    garbage.write_text("garbage")
    no_pair = "needs {} as well".format
    for cert_file, key_file, told in (
        (certificate, None, f"--tls-cert = '{certificate}': {no_pair('--tls-key')}"),
        (None, key, f"--tls-key = '{key}': {no_pair('--tls-cert')}"),
        (missing, key, f"--tls-cert = '{missing}': "),
        (certificate, garbage, f"--tls-key = '{garbage}': "),
    ):
        settings = ExporterSettings(
            str(tmp_path), "127.0.0.1", 0, tls_certificate=cert_file, tls_key=key_file
        )
        with pytest.raises(BadConfiguration) as caught:
            serve(settings)
        assert told in str(caught.value)


def test_a_new_certificate_is_taken_over_and_a_broken_pair_is_not(
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
    told = [line for line in exporter.log if line["event"].startswith("changed file cannot")]
    assert told
    assert "the TLS certificate cannot be read" in str(told[0]["cause"])


def _trusted(exporter: Exporter) -> bool:
    try:
        return exporter.get("/livez").status == 200
    except ssl.SSLError:
        return False
