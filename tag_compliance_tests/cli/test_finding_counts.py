"""Every surface counts the same findings: metrics, database, reports, downloads, API, pages.

A new surface adds a function to `SURFACES`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
import yaml

from tag_compliance.domain.clock import utc_now
from tag_compliance.snapshot.layout import DATABASE
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.html_table import ListOfPage
from tag_compliance_tests.support.program import Program
from tag_compliance_tests.support.waiting import eventually

_SEVERITY_IDS = {1: "info", 2: "low", 3: "medium", 4: "high", 5: "critical"}
_SEVERITIES = {*_SEVERITY_IDS.values()}
_STATUS_IDS = {1: "open", 3: "waived"}
_POLICY = {
    "rules": [
        {
            "id": "environments",
            "severity": "critical",
            "tag": "Environment",
            "required": True,
            "values": ["prod"],
        }
    ],
    "waivers": [
        {
            "id": "migration",
            "rules": ["required-tag-*"],
            "match": {"accounts": ["100000000001"], "regions": ["eu-west-1"]},
            "reason": "a migration",
            "owner": "platform",
            "expires": f"{utc_now().date() + timedelta(days=30)}",
        },
    ],
}


class Key(NamedTuple):
    """What findings are counted by."""

    account_id: str
    region: str
    rule: str
    severity: str
    state: str


Counts = Counter[Key]


@dataclass(frozen=True)
class Scanned:
    """The result of a scan, and an exporter that serves it."""

    program: Program
    exposition: str
    exporter: Exporter

    def report(self, format_: str) -> bytes:
        path = self.program.place.folder / f"report.{format_}"
        arguments = ("--format", format_, "--state", "all", "--output", str(path))
        assert self.program.run("report", *arguments).code == 0
        return path.read_bytes()

    def get(self, path: str, **parameters: str) -> bytes:
        query = f"?{urlencode(parameters)}" if parameters else ""
        response = self.exporter.get(f"{path}{query}")
        assert response.status == 200
        return response.body


def of_rows(rows: Iterable[Mapping[str, Any]]) -> Counts:
    return Counter(Key(*(row[name] for name in Key._fields)) for row in rows)


def of_csv(content: bytes) -> Counts:
    return of_rows(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def of_lines(content: bytes) -> Counts:
    return of_rows(json.loads(line) for line in content.splitlines())


def of_metrics(scanned: Scanned) -> Counts:
    states = {
        "tag_compliance_rule_violations": "open",
        "tag_compliance_rule_waived_resources": "waived",
    }
    found = Counts()
    for sample in Exposition(scanned.exposition).samples:
        if (state := states.get(sample.name)) and sample.value:
            labels = {**sample.labels, "state": state}
            found[Key(*(labels[name] for name in Key._fields))] += int(sample.value)
    return found


def of_database(scanned: Scanned) -> Counts:
    [path] = scanned.program.place.state.glob(f"snapshots/*/{DATABASE}")
    columns = ", ".join(Key._fields)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        rows = database.execute(f"SELECT {columns}, count(*) FROM findings GROUP BY {columns}")
        return Counter({Key(*row[:-1]): row[-1] for row in rows})


def of_parquet(scanned: Scanned) -> Counts:
    return of_rows(pq.read_table(io.BytesIO(scanned.report("parquet"))).to_pylist())


def of_ocsf(scanned: Scanned) -> Counts:
    return Counter(
        Key(
            event["cloud"]["account"]["uid"],
            event["cloud"]["region"],
            event["compliance"]["control"],
            _SEVERITY_IDS[event["severity_id"]],
            _STATUS_IDS[event["status_id"]],
        )
        for event in json.loads(scanned.report("ocsf"))
    )


def of_api(scanned: Scanned) -> Counts:
    found, more = Counts(), dict[str, str]()
    while True:
        page = json.loads(scanned.get("/api/v1/findings", state="all", limit="9", **more))
        found += of_rows(page["findings"])
        if page["next_cursor"] is None:
            return found
        more = {"cursor": page["next_cursor"]}


def of_pages(scanned: Scanned) -> Counts:
    """The pages of findings for people, one after the other."""
    found, address = Counts(), "/findings?state=all&limit=9"
    while True:
        page = ListOfPage(scanned.get(address).decode())
        for severity, _, rule, account, region, *_ in page.rows:
            state = "waived" if "waived" in severity.words else "open"
            key = (account.words[-1], region.words[0], rule.words[0], severity.words[0], state)
            found[Key(*key)] += 1
        if page.next is None:
            return found
        address = page.next


SURFACES: dict[str, Callable[[Scanned], Counts]] = {
    "metrics": of_metrics,
    "database": of_database,
    "CSV": lambda scanned: of_csv(scanned.report("csv")),
    "JSON lines": lambda scanned: of_lines(scanned.report("jsonl")),
    "Parquet": of_parquet,
    "OCSF": of_ocsf,
    "API": of_api,
    "pages": of_pages,
    "download as CSV": lambda scanned: of_csv(scanned.get("/findings.csv", state="all")),
    "download as JSON lines": lambda scanned: of_lines(scanned.get("/findings.jsonl", state="all")),
}


def test_every_surface_counts_the_same_findings_of_a_snapshot(program: Program) -> None:
    settings = {"REQUIRED_TAGS": ["Owner", "CostCenter"], "policy": "policy.yaml"}
    (program.place.folder / "policy.yaml").write_text(yaml.safe_dump(_POLICY))
    program.configure(program.fake.organization, **settings)
    ended = program.run("scan")
    assert ended.code == 0, ended.err
    with run_in_thread(program.place.state) as exporter:
        eventually(lambda: exporter.get("/api/v1/summary").status == 200)
        scanned = Scanned(program, ended.out, exporter)
        expected = of_metrics(scanned)
        assert {key.state for key in expected} == {"open", "waived"}
        assert {key.severity for key in expected} == {"critical", "medium"}
        for name, count in SURFACES.items():
            assert count(scanned) == expected, name
        _check_sums(scanned, expected)


def _check_sums(scanned: Scanned, expected: Counts) -> None:
    """The surfaces that show less than each account, region, rule, severity and state."""
    summary = json.loads(scanned.get("/api/v1/summary"))
    for state, by_severity in summary["findings"].items():
        for severity, count in by_severity.items():
            matching = _total(expected, severity=severity, state=state)
            assert count == matching, (state, severity)
    for account in summary["accounts"]:
        for state in ("open", "waived"):
            matching = _total(expected, account_id=account["account_id"], state=state)
            assert account[state] == matching
    assert summary["snapshot"]["findings"] == expected.total()
    for rule in summary["rules"]:
        for name, state in (("violations", "open"), ("waived", "waived")):
            assert rule[name] == _total(expected, rule=rule["rule"], state=state), rule["rule"]
    [waiver] = summary["waivers"]
    assert waiver["findings"] == _total(expected, state="waived")
    _check_pages(scanned, expected)
    [path] = scanned.program.place.state.glob(f"snapshots/*/{DATABASE}")
    with closing(sqlite3.connect(path)) as database:
        trend = database.execute("SELECT open FROM trend WHERE subject = 'all'").fetchall()
    assert trend == [(_total(expected, state="open"),)]
    html = scanned.report("html").decode()
    assert f"{expected.total():,}</dd>" in html
    assert _of_junit(scanned.report("junit")) == {
        (key.account_id, key.rule): (
            _total(expected, account_id=key.account_id, rule=key.rule, state="open"),
            _total(expected, account_id=key.account_id, rule=key.rule, state="waived"),
        )
        for key in expected
    }


def _check_pages(scanned: Scanned, expected: Counts) -> None:
    """The pages that count by account and by rule, with their sums."""
    for path, name in (("/accounts", "account_id"), ("/rules", "rule")):
        rows = ListOfPage(scanned.get(path).decode()).rows
        values = {getattr(key, name) for key in expected}
        for head, *cells in rows:
            value = dict(parse_qsl(head.links[0].partition("?")[2])).get(name.partition("_")[0])
            own = wanted = {name: value} if value else {}
            values.discard(value)
            for cell in cells:
                if cell.label in _SEVERITIES:
                    wanted = {**own, "state": "open", "severity": cell.label}
                elif cell.label in {"open", "waived"}:
                    wanted = {**own, "state": cell.label}
                else:
                    continue
                assert int(cell.words[0]) == _total(expected, **wanted), (path, value, cell.label)
        assert not values


def _total(counts: Counts, **wanted: str) -> int:
    return sum(
        count
        for key, count in counts.items()
        if all(getattr(key, name) == value for name, value in wanted.items())
    )


def _of_junit(content: bytes) -> dict[tuple[str, str], tuple[int, int]]:
    """The open and the waived findings of each account and rule that has any."""
    found = {}
    for suite in ET.fromstring(content):
        for case in suite:
            for result in case:
                numbers = re.search(r"(?:(\d+) open, )?(\d+) waived$", result.get("message", ""))
                assert numbers is not None
                rule = case.get("name", "").partition("] ")[2]
                key = (suite.get("name", "")[:12], rule)
                found[key] = (int(numbers[1] or 0), int(numbers[2]))
    return found
