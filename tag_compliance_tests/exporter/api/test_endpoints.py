"""The API over HTTP: documents, pages, errors, conditional requests."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from tag_compliance.domain.coverage import coverage_rows
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.report_filter import FindingFilter
from tag_compliance.domain.report_row import ReportRow, format_time
from tag_compliance.exporter.findings_parameters import SEVERITIES, SORTS
from tag_compliance.reports.jsonl import json_object
from tag_compliance_tests.domain.organizations import NOON
from tag_compliance_tests.exporter.api.conftest import Get, client_of
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.exporter.test_findings_queries import ROWS
from tag_compliance_tests.reports.rows import LAB, SHOP, report_row
from tag_compliance_tests.snapshot.scans import POLICY
from tag_compliance_tests.snapshot.test_findings_db import contents, results_of
from tag_compliance_tests.support.findings import publish_findings
from tag_compliance_tests.support.waiting import eventually

PROBLEM = "application/problem+json"


def all_findings(get: Get, **parameters: Any) -> list[dict[str, Any]]:
    """The findings of all pages, without the console's address."""
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        page = get("findings", **parameters, **more)
        found += page["findings"]
        if page["next_cursor"] is None:
            return [{**row, "console_url": None} for row in found]
        more = {"cursor": page["next_cursor"]}


def shown(rows: list[ReportRow]) -> list[dict[str, Any]]:
    """The rows as JSON."""
    found: list[dict[str, Any]] = json.loads(json.dumps([json_object(row) for row in rows]))
    return found


def test_the_pages_have_every_open_finding_once_in_the_order_of_reports(get: Get) -> None:
    expected = shown([row for row in ROWS if row.state == "open"])
    for limit in (7, 100, 1_000):
        assert all_findings(get, limit=limit) == expected


@pytest.mark.parametrize(
    ("parameters", "chosen"),
    [
        ({"account": LAB}, FindingFilter(account_ids=(LAB,))),
        ({"ou": "Work"}, FindingFilter(ous=("Work",))),
        ({"region": ["us-east-1", "x"]}, FindingFilter(regions=("us-east-1", "x"))),
        ({"type": "vpc"}, FindingFilter(types=("vpc",))),
        ({"rule": "*-Env"}, FindingFilter(rules=("*-Env",))),
        ({"severity": ["low", "high"]}, FindingFilter(severities=("low", "high"))),
        ({"owner": "(none)"}, FindingFilter(owners=("(none)",))),
        ({"tag": "Team=web"}, FindingFilter(tags=(("Team", "web"),))),
        ({"state": "waived"}, FindingFilter(state="waived")),
        ({"state": "all", "account": SHOP}, FindingFilter(account_ids=(SHOP,), state="all")),
    ],
)
def test_a_filter_finds_what_a_report_with_it_contains(
    parameters: dict[str, Any], chosen: FindingFilter, get: Get
) -> None:
    expected = shown([row for row in ROWS if chosen.matches(row)])
    assert expected
    assert all_findings(get, limit=30, **parameters) == expected


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_order_has_every_finding_once(sort: str, get: Get) -> None:
    found = all_findings(get, state="all", sort=sort, limit=60)
    assert sorted(found, key=str) == sorted(shown(ROWS), key=str)
    if sort in {"severity", "-severity"}:
        ranks = [SEVERITIES.index(row["severity"]) for row in found]
        assert ranks == sorted(ranks, reverse=sort.startswith("-"))


def test_a_search_finds_the_values_of_tags(get: Get) -> None:
    expected = shown([row for row in ROWS if "Überall" in row.tags.values()])
    assert expected
    assert all_findings(get, q="Überall", state="all") == expected


def test_a_resource_has_all_its_findings_whatever_their_state(tmp_path: Path) -> None:
    rows = [
        report_row("a", rule="required-tag-Env"),
        report_row("a", state="waived", waiver="W-1"),
        report_row("a", account_id=LAB, account_name="lab"),
        report_row("b", account_id=LAB, account_name="lab"),
    ]
    publish_findings(tmp_path, rows)
    with run_in_thread(tmp_path) as exporter:
        eventually(lambda: exporter.get("/api/v1/summary").status == 200)
        get, arn = client_of(exporter), rows[0].arn
        [shop, lab] = get("resources", arn=arn)["resources"]
        assert [f["rule"] for f in shop["findings"]] == ["required-tag-Env", "required-tag-Owner"]
        assert [f["state"] for f in shop["findings"]] == ["open", "waived"]
        assert (shop["account_id"], lab["account_id"]) == (SHOP, LAB)
        assert shop["tags"] == {"Team": "platform"}
        assert get("resources", arn=arn, account=LAB)["resources"] == [lab]


def test_an_unknown_resource_is_404_with_the_command_that_explains_it(get: Get) -> None:
    problem = get("resources", 404, arn="arn:aws:s3:::nothing")
    assert problem["title"] == "Not Found"
    assert "tag-compliance explain" in problem["detail"]


def test_the_summary_counts_the_findings_of_the_snapshot(get: Get) -> None:
    summary = get("summary")
    for state in ("open", "waived"):
        counted = Counter(row.severity for row in ROWS if row.state == state)
        assert summary["findings"][state] == dict.fromkeys(SEVERITIES, 0) | counted
    assert summary["snapshot"]["findings"] == len(ROWS)
    for key, value in summary["resources"].items():
        assert value == sum(account[key] for account in summary["accounts"])
    [shop] = [a for a in summary["accounts"] if a["account_id"] == SHOP]
    assert shop["open"] == sum(r.account_id == SHOP and r.state == "open" for r in ROWS)
    assert [rule["rule"] for rule in summary["rules"]] == ["required-tag-Env", "required-tag-Owner"]


def test_without_required_tags_the_summary_has_no_number_of_compliant_resources(
    tmp_path: Path,
) -> None:
    publish_findings(tmp_path, [], results=results_of(Policy(())))
    with run_in_thread(tmp_path) as exporter:
        eventually(lambda: exporter.get("/api/v1/summary").status == 200)
        document = client_of(exporter)("summary")
    counts = [document["resources"], *document["accounts"]]
    assert {numbers["compliant"] for numbers in counts} == {None}
    assert document["resources"]["counted"] > 0


def test_the_coverage_has_each_region_that_should_be_read_on_its_pages(get: Get) -> None:
    whole = get("coverage")
    assert whole["next_cursor"] is None
    rows, cursor = [], None
    while True:
        page = get("coverage", limit=1, **({"cursor": cursor} if cursor else {}))
        rows += page["coverage"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert rows == whole["coverage"]
    assert {row["reason"] for row in rows} == {"ok", "throttled", "access_denied"}
    [failed] = get("coverage", account=SHOP, region="us-east-1")["coverage"]
    assert failed["message"] == "too fast"


def test_the_coverage_has_every_value_of_the_scan(get: Get) -> None:
    rows = [asdict(row) for row in coverage_rows(results_of(POLICY))]
    for row in rows:
        for name in ("last_success_at", "result_at"):
            row[name] = row[name] and format_time(row[name])
    place = itemgetter("account_id", "region", "source")
    assert get("coverage")["coverage"] == sorted(rows, key=place)


def test_the_summary_has_the_outcome_the_numbers_the_rules_and_the_waivers(tmp_path: Path) -> None:
    waiver = {"waiver": "W-1", "reason": "moves soon", "owner": "web", "expires": "2026-12-31"}
    waiver |= {"ticket": "T-1", "state": "active"}
    publish_findings(tmp_path, [], waivers=[{**waiver, "findings": 7}])
    with run_in_thread(tmp_path) as exporter:
        eventually(lambda: exporter.get("/api/v1/summary").status == 200)
        document = client_of(exporter)("summary")
    results = results_of(POLICY)
    shown = {name: document["snapshot"][name] for name in ("outcome", "failures", "made_at")}
    failures = [*results.failures]
    assert shown == {"outcome": "partial", "failures": failures, "made_at": format_time(NOON)}
    assert failures
    names = ("returned", "excluded", "counted", "compliant")
    assert document["resources"] == {n: getattr(results.summary.total, n) for n in names}
    assert document["rules"] == [dict(rule) for rule in contents([]).rules]
    assert document["waivers"] == [{**waiver, "findings": 7}]


def test_a_cursor_of_an_earlier_snapshot_is_gone(tmp_path: Path) -> None:
    rows = [report_row(str(n)) for n in range(9)]
    first = publish_findings(tmp_path, rows)
    with run_in_thread(tmp_path) as exporter:
        get = client_of(exporter)
        eventually(lambda: exporter.get("/api/v1/summary").status == 200)
        cursor = get("findings", limit=2)["next_cursor"]
        of_coverage = get("coverage", limit=1)["next_cursor"]
        publish_findings(tmp_path, rows)
        eventually(lambda: get("summary")["snapshot"]["snapshot_id"] != first)
        for path, old in (("findings", cursor), ("coverage", of_coverage)):
            problem = get(path, 410, cursor=old)
            assert problem["status"] == 410
            assert "begin again without a cursor" in problem["detail"]


def test_a_cursor_of_another_query_and_a_malformed_one_are_faults(get: Get) -> None:
    cursor = get("findings", limit=1)["next_cursor"]
    of_coverage = get("coverage", limit=1)["next_cursor"]
    for name, parameters in (
        ("findings", {"cursor": cursor, "sort": "age"}),
        ("findings", {"cursor": of_coverage}),
        ("coverage", {"cursor": cursor}),
        ("findings", {"cursor": "W1tdLCJyZXBvcnQiXQ"}),
        ("findings", {"cursor": "x"}),
        ("findings", {"cursor": "é"}),
    ):
        problem = get(name, 410 if "W1td" in str(parameters) else 422, **parameters)
        assert "cursor" in problem["detail"]


def test_all_faults_of_a_request_are_in_one_problem_document(serving: Exporter) -> None:
    response = serving.get("/api/v1/findings?limit=0&acount=1&severity=urgent")
    assert response.status == 422
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == PROBLEM
    problem = json.loads(response.body)
    assert [e["parameter"] for e in problem["errors"]] == ["limit", "acount", "severity"]
    assert problem["errors"][0] == {"parameter": "limit", "value": "0", "rule": "must be 1 to 1000"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/v2/findings", 404),
        ("GET", "/api/v1/findings/", 404),
        ("POST", "/api/v1/findings", 405),
        ("DELETE", "/api/v1/openapi.json", 405),
        ("GET", "/api/v1/resources", 422),
        ("GET", "/api/v1/summary?account=1", 422),
    ],
)
def test_every_error_is_a_problem_document(
    method: str, path: str, status: int, serving: Exporter
) -> None:
    response = serving.get(path, method)
    assert response.status == status
    assert response.headers["content-type"] == PROBLEM
    problem = json.loads(response.body)
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    assert problem["detail"]
    if status == 405:
        assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_outside_of_the_api_an_error_is_text(serving: Exporter) -> None:
    response = serving.get("/nothing")
    assert response.status == 404
    assert response.text == "404 Not Found\n"


def test_a_conditional_request_gets_304_until_there_is_a_new_snapshot(tmp_path: Path) -> None:
    publish_findings(tmp_path, [report_row("a")])
    with run_in_thread(tmp_path) as exporter:
        eventually(lambda: exporter.get("/api/v1/summary").status == 200)
        for path in ("/api/v1/findings", "/api/v1/summary", "/api/v1/findings?state=all"):
            etag = exporter.get(path).headers["etag"]
            again = exporter.get(path, If_None_Match=etag)
            assert again.status == 304
            assert again.headers["etag"] == etag
            assert not again.body
        new = publish_findings(tmp_path, [report_row("b")])
        eventually(lambda: new in exporter.get("/api/v1/summary").text)
        assert exporter.get("/api/v1/findings?state=all", If_None_Match=etag).status == 200


def test_documents_are_private_and_head_returns_their_headers(serving: Exporter) -> None:
    for name in ("findings", "summary", "coverage", "openapi.json"):
        response = serving.get(f"/api/v1/{name}")
        head = serving.get(f"/api/v1/{name}", "HEAD")
        assert response.headers["cache-control"].startswith("private")
        assert response.headers["x-content-type-options"] == "nosniff"
        assert head.headers.get("etag") == response.headers.get("etag")
        assert head.headers["content-length"] == str(len(response.body))
        assert not head.body


def test_without_report_values_the_api_contains_none_and_searches_none(tmp_path: Path) -> None:
    rows = [report_row("a", tags={"Team": None})]
    publish_findings(tmp_path, rows, show_values=False)
    with run_in_thread(tmp_path) as exporter:
        eventually(lambda: exporter.get("/api/v1/summary").status == 200)
        get = client_of(exporter)
        assert get("findings")["findings"][0]["tags"] == {"Team": None}
        assert get("summary")["snapshot"]["report_values"] is False
        problem = get("findings", 422, tag="Team=web")
        assert "report_values: false" in problem["detail"]
