"""Each snapshot has a database with the findings that its metrics count."""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from tag_compliance.snapshot.layout import DATABASE, MANIFEST, Manifest, parse, sha256
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.tables.coverage import Coverage
from tag_compliance_tests.support.program import Program


def databases(program: Program) -> list[Path]:
    return sorted(program.place.state.glob(f"snapshots/*/{DATABASE}"))


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        return database.execute(sql).fetchall()


def test_metrics_report_and_database_have_the_same_findings(program: Program) -> None:
    ended = program.run("scan")
    assert ended.code == 0
    [path] = databases(program)
    counted = query(path, "SELECT account_id, region, tag, count(*) FROM findings GROUP BY 1, 2, 3")
    samples = [s for s in ended.exposition.samples if s.name == "tag_non_compliant_total"]
    expected = {
        (s.labels["account_id"], s.labels["region"], s.labels["tag"], int(s.value))
        for s in samples
        if s.value
    }
    assert set(counted) == expected
    assert "tag_compliance_findings_database_rows_omitted 0" in ended.out
    lines = program.run("report", "--state", "all").out.splitlines()
    assert len(lines) - 1 == sum(row[3] for row in counted)
    assert query(path, "SELECT sum(violations), sum(waived) FROM rules") == [(len(lines) - 1, 0)]
    manifest = parse(Manifest, (path.parent / MANIFEST).read_bytes(), path.parent.name, MANIFEST)
    assert manifest.pieces[DATABASE].sha256 == sha256(path.read_bytes())
    [(snapshot_id,)] = query(path, "SELECT value FROM meta WHERE key = 'snapshot_id'")
    assert snapshot_id == path.parent.name


def test_metrics_database_and_stored_table_have_the_same_coverage(program: Program) -> None:
    program.configure(program.fake.organization, never_tagged="report")
    ended = program.run("scan")
    [path] = databases(program)
    coverage = Coverage(FolderStorage(program.place.state), pytest.fail).load()
    assert coverage is not None
    assert coverage.snapshot_id == path.parent.name
    names = ["account_id", "account_name", "ou_path", "region", "source", "counts", "reason"]
    names += ["requested", "returned", "added", "not_covered"]
    rows = list(map(attrgetter(*names), coverage.rows))
    assert query(path, f"SELECT {', '.join(names)} FROM coverage") == rows
    read = [(r.account_id, r.region, r.source, r.message) for r in coverage.rows]
    assert query(path, "SELECT account_id, region, source, message FROM read_status") == read
    samples = {
        (s.labels["account_id"], s.labels["region"], s.labels["source"]): s.value
        for s in ended.exposition.samples
        if s.name == "tag_compliance_source_read"
    }
    assert samples == {(r.account_id, r.region, r.source): r.reason == "ok" for r in coverage.rows}
    assert {r.reason for r in coverage.rows} == {"ok", "no_index"}


def test_the_newest_two_snapshots_keep_their_database(program: Program) -> None:
    for _ in range(3):
        assert program.run("scan").code == 0
    snapshots = sorted(p.name for p in (program.place.state / "snapshots").iterdir())
    assert len(snapshots) == 3
    assert [path.parent.name for path in databases(program)] == snapshots[1:]


def test_the_limit_keeps_the_same_number_of_findings_of_each_account(program: Program) -> None:
    program.configure(program.fake.organization, max_findings_rows=6)
    ended = program.run("scan")
    [path] = databases(program)
    kept = query(path, "SELECT account_id, count(*) FROM findings GROUP BY 1")
    assert [count for _, count in kept] == [2, 2, 2]
    total = sum(s.value for s in ended.exposition.samples if s.name == "tag_non_compliant_total")
    assert f"tag_compliance_findings_database_rows_omitted {int(total) - 6}" in ended.out
    assert len(program.run("report").out.splitlines()) == total + 1, "reports are never limited"


def test_without_the_database_there_is_neither_file_nor_metric(program: Program) -> None:
    program.configure(program.fake.organization, findings_database=False)
    ended = program.run("scan")
    assert (ended.code, databases(program)) == (0, [])
    assert Coverage(FolderStorage(program.place.state), pytest.fail).load() is not None
    assert "tag_compliance_findings_database_rows_omitted" not in ended.out


def test_if_the_database_cannot_be_written_the_metrics_are_published_and_the_run_fails(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: FolderStorage, name: str, source: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FolderStorage, "write_file", refuse)
    ended = program.run("scan")
    assert ended.code == 1
    assert "the findings database could not be written" in ended.err
    assert "No space left on device" in ended.err
    snapshot = program.published()
    assert snapshot is not None
    assert b"compliance_percentage{" in snapshot.plain
    assert databases(program) == []


def test_the_metrics_by_owner_are_published_with_owner_tags(program: Program) -> None:
    program.configure(program.fake.organization, owner_tags=["Owner", "Team"], max_owner_series=2)
    ended = program.run("scan")
    samples = ended.exposition.samples
    by_owner = {
        s.labels["owner"]: s.value for s in samples if s.name == "tag_compliance_owner_resources"
    }
    assert len(by_owner) == 4
    assert {"(other)", "(none)"} < set(by_owner)
    counted = sum(s.value for s in samples if s.name == "resources_scanned_total")
    assert sum(by_owner.values()) == counted
    findings = sum(s.value for s in samples if s.name == "tag_compliance_owner_open_findings")
    assert findings == len(program.run("report").out.splitlines()) - 1
    snapshot = program.published()
    assert snapshot is not None
    assert set(snapshot.status.shown_owners) == set(by_owner) - {"(other)", "(none)"}
    assert program.run("scan").code == 0, "the owners of the last snapshot are read"


def test_links_lead_through_the_portal_of_console_link_in_database_report_and_explain(
    program: Program,
) -> None:
    portal = {"start_url": "https://corp.awsapps.com/start", "role_name": "ReadOnly"}
    program.configure(program.fake.organization, console_link=portal)
    assert program.run("scan").code == 0
    [path] = databases(program)
    urls = dict(query(path, "SELECT arn, console_url FROM report"))
    rows = list(csv.DictReader(io.StringIO(program.run("report").out.removeprefix("\ufeff"))))
    assert {row["arn"]: row["console_url"] for row in rows} == urls
    arn, url = urls.popitem()
    assert url.startswith("https://corp.awsapps.com/start/#/console?account_id=")
    assert "role_name=ReadOnly" in url
    assert f"  console   {url}" in program.run("explain", arn).out.splitlines()
