"""After a scan with every fault, no credential is in any output, file or log."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tag_compliance_tests.exporter.running import run_in_thread
from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.program import Program

FAULTS = [*Fault] * 2


def written_under(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The content of each file, also decompressed."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        yield str(path), data
        if path.suffix == ".gz":
            yield f"{path}, unpacked", gzip.decompress(data)
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            yield f"{path}, decoded", f"{table.schema.metadata} {table.to_pylist()}".encode()


def responses_of_the_exporter(state: Path) -> Iterator[tuple[str, bytes]]:
    with run_in_thread(state) as exporter:
        for path in ("/metrics", "/", "/health", "/ready"):
            yield path, exporter.get(path).body


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_scan_writes_no_credential_anywhere(
    program: Program, monkeypatch: pytest.MonkeyPatch, log_format: str
) -> None:
    home = program.place.folder / "dagster"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    organization = generate_organization(len(FAULTS) + 1, REGIONS, 120)
    program.configure(organization, region_deadline=6)
    with FakeAws(organization) as fake:
        for number, (account, fault) in enumerate(zip(organization, FAULTS, strict=False)):
            operation = "AssumeRole" if number < len(Fault) else "GetResources"
            fake.faults.add(fault, operation=operation, account_id=account.account_id, seconds=9)
        ended = program.scan(fake, "--log-level", "debug", "--log-format", log_format)
        secrets = [secret.encode() for secret in fake.issued_secrets()]

    traces = [
        ("stdout", ended.out.encode()),
        ("stderr", ended.err.encode()),
        *written_under(program.place.folder),
        *responses_of_the_exporter(program.place.state),
    ]
    assert ended.code == 3
    assert len(secrets) > len(FAULTS)
    assert any(b"access_denied" in data for name, data in traces if "dagster" in name)
    assert not [
        (name, secret[:40]) for name, data in traces for secret in secrets if secret[:40] in data
    ]
