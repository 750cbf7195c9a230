"""`tag-compliance report`: from the stored tables to a file, with filters and exit codes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
import pytest

from tag_compliance.cli.declaration import ExitCode
from tag_compliance.cli.report_files import file_stem
from tag_compliance.cli.report_options import Filters
from tag_compliance.domain.report_row import COLUMNS, ORDER
from tag_compliance.domain.severity import Severity
from tag_compliance.reports.formats import ReportFormat
from tag_compliance_tests.cli.commands import options
from tag_compliance_tests.fake_aws import Fault
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.program import Program

FIRST, SECOND = "100000000000", "100000000001"


@pytest.fixture
def scanned(program: Program) -> Program:
    """After a scan of three accounts in two regions."""
    program.configure(program.fake.organization, owner_tags=["Owner", "Team"])
    assert program.run("scan").code == 0
    return program


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def report(program: Program, *arguments: str) -> list[dict[str, str]]:
    """The rows of a CSV report on stdout."""
    ended = program.run("report", *arguments)
    assert ended.code == 0, ended.err
    return rows(ended.out)


def test_the_report_has_exactly_the_findings_that_the_metrics_count(scanned: Program) -> None:
    snapshot = scanned.published()
    assert snapshot is not None
    found = report(scanned)
    assert list(found[0]) == list(COLUMNS)
    counted = Counter((row["account_id"], row["region"], row["tag"]) for row in found)
    expected = {
        (s.labels["account_id"], s.labels["region"], s.labels["tag"]): s.value
        for s in Exposition(snapshot.plain.decode()).samples
        if s.name == "tag_non_compliant_total"
    }
    assert counted == expected
    keys = [tuple(row[name] for name in ORDER) for row in found]
    assert keys == sorted(keys)


def test_every_format_has_the_same_findings(scanned: Program, tmp_path: Path) -> None:
    found = {(row["account_id"], row["arn"], row["rule"]) for row in report(scanned)}
    for name in map(str, ReportFormat):
        ended = scanned.run("report", "--format", name, "--output", str(tmp_path / name))
        assert (ended.code, ended.out) == (0, "")
        assert ended.err.splitlines()[-1] == f"{len(found)} findings: {tmp_path / name}"
    lines = [json.loads(line) for line in (tmp_path / "jsonl").read_text("utf-8").splitlines()]
    assert {(row["account_id"], row["arn"], row["rule"]) for row in lines} == found
    table = pq.read_table(tmp_path / "parquet").to_pylist()
    assert {(row["account_id"], row["arn"], row["rule"]) for row in table} == found
    events = json.loads((tmp_path / "ocsf").read_text("utf-8"))
    assert {
        (e["cloud"]["account"]["uid"], e["resources"][0]["uid"], e["compliance"]["control"])
        for e in events
    } == found
    suites = ET.parse(tmp_path / "junit").getroot()
    failing = {
        (suite.get("name", "")[:12], case.get("name", "").partition("] ")[2])
        for suite in suites
        for case in suite
        if case.find("failure") is not None
    }
    assert failing == {(account_id, rule) for account_id, _, rule in found}
    assert f"{len(found):,}</dd>" in (tmp_path / "html").read_text("utf-8")


def test_filters_choose_rows_and_may_be_repeated(scanned: Program) -> None:
    everything = report(scanned)
    chosen = report(scanned, "--account", FIRST, "--account", SECOND, "--region", "eu-west-1")
    assert chosen == [
        row
        for row in everything
        if row["account_id"] in {FIRST, SECOND} and row["region"] == "eu-west-1"
    ]
    assert report(scanned, "--rule", "*-Environment", "--type", "ec2:*") == [
        row
        for row in everything
        if row["tag"] == "Environment" and row["resource_type"].startswith("ec2:")
    ]
    unowned = report(scanned, "--owner", "(none)")
    assert unowned == [row for row in everything if not row["owner"]]
    assert 0 < len(unowned) < len(everything)
    assert report(scanned, "--severity", "critical", "--state", "all") == []
    assert report(scanned, "--tag", "Environment=staging") == [
        row for row in everything if json.loads(row["tags"]).get("Environment") == "staging"
    ]


def test_a_variable_separates_values_by_commas_and_an_option_overrides_it(
    scanned: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAG_COMPLIANCE_REPORT_ACCOUNT", f"{FIRST}, {SECOND}")
    assert {row["account_id"] for row in report(scanned)} == {FIRST, SECOND}
    assert {row["account_id"] for row in report(scanned, "--account", FIRST)} == {FIRST}
    monkeypatch.setenv("TAG_COMPLIANCE_REPORT_SEVERITY", "low,serious")
    assert "TAG_COMPLIANCE_REPORT_SEVERITY" in scanned.run("report").err


_FAULTS = {
    (
        "--rule",
        "required-tag-Onwer",
    ): "no such rule in the latest scan; did you mean requir",
    ("--region", "eu-west-9"): "the latest scan has no such region; did you mean eu-west-1?",
    ("--account", "100000000009"): "no such account in config.yaml",
    ("--ou", "Workloads"): "no account is in this organizational unit",
    ("--tag", "Owner"): "must be KEY=VALUE",
    ("--split-by", "owner"): "must be a folder with --split-by",
}


def test_a_filter_that_can_match_nothing_is_a_fault(scanned: Program) -> None:
    for arguments, fault in _FAULTS.items():
        assert fault in scanned.fails(2, "report", *arguments)


def test_a_terminal_is_not_filled_with_parquet(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tag_compliance.cli.report_files.is_terminal", lambda _: True)
    line = program.fails(2, "report", "--format", "parquet")
    assert "a terminal cannot show parquet; use --output" in line
    assert "has no snapshot yet" in program.fails(1, "report", "--format", "csv")


def test_without_a_snapshot_the_report_fails_and_says_what_to_do(program: Program) -> None:
    line = program.fails(1, "report", "--fail-on", "low")
    assert "has no snapshot yet; `tag-compliance scan`" in line


def test_fail_on_ends_with_4_for_an_open_finding_of_that_severity_or_higher(
    scanned: Program,
) -> None:
    for severity in ("info", "low", "medium"):
        assert scanned.run("report", "--fail-on", severity).code == ExitCode.FINDINGS
    for severity in ("high", "critical"):
        assert scanned.run("report", "--fail-on", severity).code == ExitCode.COMPLETE
    assert scanned.run("report", "--fail-on", "low", "--state", "waived").code == 0


def test_fail_on_ends_with_3_after_an_incomplete_scan_without_such_a_finding(
    program: Program,
) -> None:
    program.fake.faults.add(Fault.ACCESS_DENIED, account_id=FIRST, operation="GetResources")
    assert program.run("scan").code == 3
    ended = program.run("report", "--fail-on", "high")
    assert ended.code == 3
    assert f"incomplete: not read: {FIRST}" in ended.err
    assert program.run("report", "--fail-on", "medium").code == 4
    assert program.run("report").code == 0
    junit = program.run("report", "--format", "junit").out
    errors = ET.fromstring(junit).findall("testsuite/testcase/error")
    assert len(errors) == 1


def test_fail_on_ends_with_3_if_the_snapshot_is_stale(
    scanned: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tag_compliance.cli import stored_scan

    monkeypatch.setattr(stored_scan, "timedelta", lambda seconds: _AGELESS)
    ended = scanned.run("report", "--fail-on", "high")
    assert ended.code == 3
    assert "incomplete: the snapshot is stale: its scan started at 20" in ended.err


class _Ageless:
    """Less than any age."""

    def __lt__(self, other: object) -> bool:
        return True


_AGELESS = _Ageless()


def test_an_output_file_is_replaced_and_stays_as_it_is_if_the_report_fails(
    scanned: Program, tmp_path: Path
) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")
    path.chmod(0o640)
    table = scanned.place.state / "tables" / "findings" / f"{SECOND}.parquet"
    good = table.read_bytes()
    table.write_bytes(good[:100] + b"\0" * 40 + good[140:])
    assert "cannot be read" in scanned.fails(1, "report", "--output", str(path))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.glob("*unfinished*")] == []
    table.write_bytes(good)
    assert scanned.run("report", "--output", str(path)).code == 0
    assert path.stat().st_mode & 0o777 == 0o640
    assert len(rows(path.read_text("utf-8"))) > 1


def test_a_file_for_each_owner_has_all_its_findings_in_order(
    scanned: Program, tmp_path: Path
) -> None:
    folder = tmp_path / "teams"
    ended = scanned.run("report", "--split-by", "owner", "--output", str(folder))
    assert ended.code == 0, ended.err
    everything = report(scanned)
    index = rows((folder / "index.csv").read_text("utf-8"))
    assert {row["owner"] for row in index} == {row["owner"] or "(none)" for row in everything}
    for line in index:
        own = rows((folder / line["file"]).read_text("utf-8"))
        assert own == [row for row in everything if (row["owner"] or "(none)") == line["owner"]]
        assert int(line["findings"]) == len(own)
    assert {p.name for p in folder.iterdir()} == {"index.csv", *(line["file"] for line in index)}


def test_a_file_for_each_account_and_links_in_the_folder_are_replaced_not_followed(
    scanned: Program, tmp_path: Path
) -> None:
    folder, outside = tmp_path / "accounts", tmp_path / "outside"
    folder.mkdir()
    outside.write_text("precious")
    link = folder / f"{file_stem(FIRST)}.html"
    link.symlink_to(outside)
    arguments = ("--split-by", "account", "--format", "html", "--output", str(folder))
    assert scanned.run("report", *arguments).code == 0
    assert outside.read_text() == "precious"
    assert not link.is_symlink()
    assert f"account {FIRST}" in link.read_text("utf-8")
    assert SECOND not in link.read_text("utf-8")
    (tmp_path / "link").symlink_to(folder)
    line = scanned.fails(2, "report", *arguments[:-1], str(tmp_path / "link"))
    assert "must be a folder, and not a link" in line


@pytest.mark.parametrize(
    ("key", "slug"),
    [
        ("Platform Team", "platform-team"),
        ("../../etc/passwd", "etc-passwd"),
        ("(none)", "none"),
        ("数据", "unnamed"),
        ("CON", "con"),
        ("x" * 200, "x" * 40),
    ],
)
def test_the_name_of_a_file_is_safe_and_unique(key: str, slug: str) -> None:
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    assert file_stem(key) == f"{slug}-{digest}"
    assert file_stem(key) != file_stem(key.lower() + " ")


def test_without_values_no_tag_value_is_in_any_format(program: Program, tmp_path: Path) -> None:
    organization = program.fake.organization
    write_config(
        program.place.folder, organization, report_values=False, owner_tags=["Team"],
        calls_per_second=0.0,
    )  # fmt: skip
    assert program.run("scan").code == 0
    for name in map(str, ReportFormat):
        path = tmp_path / name
        assert program.run("report", "--format", name, "--output", str(path)).code == 0
        assert b"production" not in path.read_bytes()
    [database] = program.place.state.glob("snapshots/*/findings.sqlite")
    assert b"production" not in database.read_bytes()
    for arn in {row["arn"] for row in report(program)}:
        assert "production" not in program.run("explain", arn).out
    assert "report_values is false" in program.fails(2, "report", "--tag", "Owner=x")


def test_every_option_has_the_variable_that_its_name_implies() -> None:
    own = {
        o.opts[0]: o.envvar
        for o in options("report")
        if o.opts[0] not in {"--config", "--log-level", "--log-format"}
    }
    assert own == {
        flag: f"TAG_COMPLIANCE_REPORT_{flag[2:].upper().replace('-', '_')}" for flag in own
    }
    assert len(own) == len(Filters.__dataclass_fields__) + 4


def test_the_choices_are_those_of_the_model() -> None:
    choices = {o.opts[0]: list(getattr(o.type, "choices", ())) for o in options("report")}
    assert choices["--format"] == [format_.value for format_ in ReportFormat]
    assert choices["--severity"] == choices["--fail-on"] == [s.value for s in Severity]
