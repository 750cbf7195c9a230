"""The status page, in HTML and in text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tag_compliance.domain.counts import COVERAGE, Counts, Thresholds
from tag_compliance.domain.read_status import Outcome, Source
from tag_compliance.exporter import app, status_page
from tag_compliance.exporter.health import evaluate_health
from tag_compliance.exporter.html_pages import BLIND_SPOTS_URL, PAGE_HEADERS, render_html
from tag_compliance.exporter.snapshot_watcher import PollFailure, State
from tag_compliance.exporter.status_page import StatusPage
from tag_compliance.exporter.status_text import render_text
from tag_compliance.snapshot.status import (
    AccountStatus,
    LastScan,
    PolicyStatus,
    RuleStatus,
    ScanStatus,
    SourceStatus,
    TagStatus,
)
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.support.organization import large_scan
from tag_compliance_tests.support.snapshots import (
    FORMAT_1,
    NOON,
    account_status,
    open_store,
    publish,
    region_status,
    scan_status,
    snapshot_with,
)
from tag_compliance_tests.support.waiting import eventually

_DOCS = Path(__file__).parents[2] / "docs"
HOSTILE = "<script>alert('x')</script>\"&{{ 7 * 7 }}\x1b[31m"


class Parsed(HTMLParser):
    """The tags with their attributes, and the text, of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _page(status: ScanStatus | None, now: datetime = NOON + timedelta(minutes=2)) -> StatusPage:
    state = State()
    if status:
        ended = LastScan(status.scan_started_at, status.made_at, status.outcome, status.failures)
        state = State(snapshot_with(status), ended)
    return StatusPage(state, evaluate_health(state, now), now, NOON)


def _hostile() -> ScanStatus:
    region = region_status(None, "access_denied", region=HOSTILE, message=HOSTILE)
    return scan_status(
        NOON,
        outcome=Outcome.PARTIAL,
        accounts=(account_status(HOSTILE, region),),
        tags=(TagStatus(HOSTILE, 3),),
        failures=(HOSTILE,),
        version=HOSTILE,
    )


def test_the_text_page_of_a_complete_scan() -> None:
    lines = render_text(_page(scan_status(NOON))).splitlines()
    assert lines[:-1] == [
        "Tag compliance: healthy",
        "",
        "Last scan:          2 min ago  every region was read",
        "Snapshot:           2 min ago  2026-05-04 12:00:00 UTC, valid for 15 min",
        "Compliance:         75.0 %     3 of 4 compliant",
        "Resources counted:  4          6 returned, 2 excluded, 0 duplicates",
        "Accounts:           1 of 1     fully read",
        "Regions:            1 of 1     read",
        "",
        COVERAGE,
        "",
        "Missing tags",
        "tag    missing on  of counted",
        "Owner  1           25.0 %",
        "",
        "Accounts and regions",
        (
            "account  id            region     state  returned  excluded  duplicates  counted  "
            "compliant  compliance  last success"
        ),
        (
            "shop     111122223333  eu-west-1  ok     6         2         0           4        "
            "3          75.0 %      2 min ago"
        ),
        "",
        "/metrics  metrics for Prometheus",
        "/health   whether the data can be relied on",
        "/ready    whether a snapshot is loaded",
        "/livez    whether the process responds",
    ]
    assert lines[-1].startswith("version   ")


@pytest.mark.parametrize("counts", [True, False])
def test_both_pages_show_never_tagged_resources_and_the_coverage_of_their_scan(
    counts: bool,
) -> None:
    explorer = SourceStatus(Source.RESOURCE_EXPLORER, counts, 2, 1, 7, 7, NOON, {"no_index": 1})
    sentence = "Never-tagged resources are included for 1 of 2 account-regions."
    status = replace(scan_status(NOON), coverage=sentence, never_tagged=12, sources=(explorer,))
    note = "resources, among those counted" if counts else "resources, not counted"
    text = render_text(_page(status))
    assert re.search(rf"^Never tagged: +12 +{note}$", text, re.MULTILINE)
    assert f"\n{sentence}\n" in text
    html = Parsed(render_html(_page(status))).text
    assert f"{sentence} " in html
    assert note in html


def test_the_html_page_says_what_the_percentages_cover_and_links_to_the_documentation() -> None:
    page = Parsed(render_html(_page(scan_status(NOON))))
    assert f"{COVERAGE} " in page.text
    assert {"href": BLIND_SPOTS_URL} in [attributes for tag, attributes in page.tags if tag == "a"]
    address, _, page_and_anchor = BLIND_SPOTS_URL.rpartition("/")
    assert f'html_baseurl = "{address}/"' in (_DOCS / "conf.py").read_text("utf-8")
    assert page_and_anchor == "metrics.html#blind-spots"
    assert "### Blind spots" in (_DOCS / "metrics.md").read_text("utf-8")


def test_both_forms_show_the_reason_message_and_last_success_of_a_failed_region() -> None:
    region = region_status(NOON - timedelta(days=2), "throttled", message="too many calls")
    account = account_status("shop", region)
    page = _page(scan_status(NOON, outcome=Outcome.PARTIAL, accounts=(account,)))
    for form in (render_text(page), render_html(page)):
        for shown in ("partial", "throttled", "too many calls", "2 d ago", "/metrics", "/health"):
            assert shown in form


def test_both_forms_show_unit_and_owner_of_an_account_and_why_the_list_is_old() -> None:
    account = replace(account_status("shop"), ou_path="Workloads/<b>Prod", owner="a@example.com")
    failure = "AWS Organizations: throttled: slow"
    page = _page(scan_status(NOON, accounts=(account,), discovery_failure=failure))
    text, html = render_text(page), render_html(page)
    assert re.search(r"^shop +111122223333 +Workloads/<b>Prod +a@example.com$", text, re.MULTILINE)
    assert "<small>Workloads/&lt;b&gt;Prod · a@example.com</small>" in html
    assert failure in text
    assert failure in html


def test_both_forms_show_the_rules_with_findings_and_the_compliance_with_the_policy() -> None:
    rules = (
        RuleStatus("fine", "t", "high", 10, 0, 0),
        RuleStatus("waived-only", "t", "high", 10, 0, 1_234),
        RuleStatus("owner", HOSTILE, "critical", 10, 5_678, 0),
    )
    policy = PolicyStatus(rules, 10, 5, 2, active_waivers=3, expired_waivers=1, unused_waivers=0)
    page = _page(scan_status(NOON, policy=policy))
    text, html = render_text(page), "".join(Parsed(render_html(page)).text)
    for shown in (form.replace("\u202f", " ") for form in (text, html)):
        assert "20.0 % if waivers are ignored" in shown
        assert "1 expired, 0 match no finding" in shown
        assert shown.index("owner") < shown.index("waived-only")
        assert "5 678" in shown
        assert "fine" not in shown
    assert "Rules with findings" not in render_text(_page(scan_status(NOON)))
    assert "<script>alert" not in render_html(page)


def test_both_forms_show_the_exclusions_that_match_no_resource() -> None:
    page = _page(scan_status(NOON, unmatched_exclusions=("pod", "rds:*")))
    for form in (render_text(page), render_html(page)):
        assert "Exclusions without effect" in form
        assert "no resource matches pod, rds:*" in form


def test_both_forms_show_the_numbers_that_are_kept_for_a_failed_region() -> None:
    kept = Counts(returned=1234, excluded=930, counted=304, compliant=1)
    region = region_status(NOON, "throttled", counts=kept)
    page = _page(scan_status(NOON, counts=kept, accounts=(account_status("shop", region),)))
    for form in (render_text(page), render_html(page)):
        for shown in ("1 234", "930", "304", "0.3 %"):
            assert shown in form.replace("\u202f", " ")


def _account(name: str, *shares: int | None) -> AccountStatus:
    """With so many of ten resources compliant in each region; None for one that was not read."""
    return account_status(
        name,
        *(
            region_status(NOON, counts=Counts(10, 0, 10, share))
            if share is not None
            else region_status(None, "throttled")
            for share in shares
        ),
    )


def test_the_html_page_grades_accounts_by_the_thresholds_of_the_configuration() -> None:
    accounts = [_account(str(share), share) for share in (4, 5, 8, 9, 10)]
    page = _page(scan_status(NOON, accounts=(*accounts,), thresholds=Thresholds(90, 50)))
    tags = Parsed(render_html(page)).tags
    grades = [attributes["class"] for tag, attributes in tags if tag == "svg"][1:]
    assert grades == ["poor", "fair", "fair", "good", "good"]
    assert [a for tag, a in tags if tag == "tr" and a] == [{"class": "poor"}]


def test_accounts_are_shown_from_the_worst_to_the_best_and_open_if_not_fully_read() -> None:
    empty = account_status("a-empty", region_status(NOON, counts=Counts()))
    accounts = (
        _account("a-best", 10),
        empty,
        _account("a-partial", 9, None),
        _account("a-poor", 1),
    )
    page = _page(scan_status(NOON, accounts=(*accounts, _account("a-failed", None, None))))
    tags = Parsed(render_html(page)).tags
    details = [attributes for tag, attributes in tags if tag == "details"]
    assert [(d["class"], "open" in d) for d in details] == [
        ("failed", True),
        ("read", False),
        ("partial", True),
        ("read", False),
        ("read", False),
    ]
    for form in (render_html(page), render_text(page)):
        names = ("a-failed", "a-poor", "a-partial", "a-best", "a-empty")
        places = [form.index(name) for name in names]
        assert places == sorted(places)


def test_regions_that_failed_for_the_same_cause_are_shown_as_one_failure() -> None:
    regions = [
        region_status(None, "throttled", region=name, message=message)
        for name, message in (("eu-west-1", "slow down"), ("eu-west-2", ""), ("eu-west-3", ""))
    ]
    failures = StatusPage.failures(account_status("shop", *regions))
    assert [(f.message, f.regions) for f in failures] == [
        ("slow down", ("eu-west-1",)),
        ("", ("eu-west-2", "eu-west-3")),
    ]


def test_the_page_of_200_accounts_with_17_regions_each_is_smaller_than_300_kb() -> None:
    page = _page(large_scan(NOON))
    assert len(page.accounts()) == 200
    html = render_html(page)
    assert html.count("<td>") == 3 * 200 * 17
    assert len(html.encode()) < 300_000


@pytest.mark.parametrize("render", [render_text, render_html])
def test_a_snapshot_of_the_old_format_is_shown_with_the_numbers_that_it_has(
    render: Callable[[StatusPage], str],
) -> None:
    snapshot = open_store(FORMAT_1).load()
    assert snapshot is not None
    page = _page(snapshot.status, snapshot.status.made_at + timedelta(minutes=2))
    shown = render(page)
    for text in ("66.6 %", "2 of 3 compliant", "1 of 2", "assume_role_denied", "33.3 %"):
        assert text in shown
    assert "returned," not in shown
    assert "nothing counted" not in shown


def test_text_from_outside_is_shown_literally_by_the_html_page() -> None:
    page = Parsed(render_html(_page(_hostile())))
    assert [tag for tag, _ in page.tags].count("script") == 1
    # The account, the tag and the region. The others are parts of sentences.
    shown = HOSTILE.replace("\x1b", r"\x1b")
    assert page.text.count(shown) == 3
    assert f"the last scan is partial: {shown}" in page.text
    assert f" {shown}; last read never: {shown}\n" in page.text


def test_text_from_outside_cannot_control_a_terminal() -> None:
    text = render_text(_page(_hostile()))
    assert "<script>alert('x')</script>" in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_before_the_first_snapshot_the_page_says_starting_and_after_half_an_hour_failing() -> None:
    for minutes, verdict, kind in (29, "starting", "remark"), (30, "failing", "fault"):
        page = _page(None, NOON + timedelta(minutes=minutes))
        assert render_text(page).startswith(f"Tag compliance: {verdict}\n")
        html = render_html(page)
        assert f'<body class="{verdict}">' in html
        assert f'<p class="message {kind}">no snapshot has been published yet</p>' in html


@pytest.mark.parametrize(
    "state",
    [
        State(last_scan=LastScan(NOON, NOON, Outcome.NOTHING, ("no_credentials",))),
        State(failure=PollFailure("the storage cannot be read", storage_up=False)),
    ],
)
def test_a_page_without_a_snapshot_is_failing_as_soon_as_something_has_failed(
    state: State,
) -> None:
    assert StatusPage(state, evaluate_health(state, NOON), NOON, NOON).verdict == "failing"


def test_the_html_page_loads_only_its_style_and_script_from_the_exporter_and_has_none_inline(
    exporter: Exporter,
) -> None:
    parsed = Parsed(render_html(_page(_hostile())))
    for tag, attributes in parsed.tags:
        assert tag != "style"
        for name, value in attributes.items():
            assert name not in {"style", "http-equiv"}
            assert not name.startswith("on")
            if name in {"src", "href"} and tag != "a":
                assert (value or "").startswith(("/", "data:"))
    assert "'unsafe-inline'" not in PAGE_HEADERS["Content-Security-Policy"]
    loaded = [a for _, a in parsed.tags if "integrity" in a]
    assert len(loaded) == 2
    for attributes, media_type in zip(loaded, ("text/css", "text/javascript"), strict=True):
        response = exporter.get(attributes.get("href") or attributes["src"] or "")
        assert response.status == 200
        assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in response.headers["cache-control"]
        digest = base64.b64encode(hashlib.sha256(response.body).digest()).decode()
        assert attributes["integrity"] == f"sha256-{digest}"


def test_a_page_with_too_many_accounts_shows_all_failed_ones_and_how_many_are_left_out() -> None:
    account = scan_status(NOON).accounts[0]
    failed = account_status("last but failed", region_status(None, "throttled"))
    accounts = (*(account,) * (status_page.MAX_ACCOUNTS + 7), failed)
    page = _page(scan_status(NOON, accounts=accounts))
    for form in (render_text(page), render_html(page)):
        assert "8 more accounts are in the metrics but not on this page." in form
        assert "last but failed" in form


def test_browsers_get_html_and_curl_gets_text(exporter: Exporter) -> None:
    browser = exporter.get("/", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert browser.headers["content-type"] == "text/html; charset=utf-8"
    assert browser.text.startswith("<!doctype html>")
    for name, value in PAGE_HEADERS.items():
        assert browser.headers[name.lower()] == value
    text = exporter.get("/", Accept="*/*")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.text.startswith("Tag compliance: starting\n")
    for response in (browser, text):
        assert (response.headers["vary"], response.headers["cache-control"]) == (
            "Accept",
            "no-store",
        )


@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_a_page_is_rendered_once_for_a_snapshot_and_again_when_its_ages_are_30_seconds_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    rendered: list[datetime] = []

    def render(page: StatusPage) -> str:
        rendered.append(page.now)
        return str(page.status and page.status.made_at)

    monkeypatch.setattr(app, "render_html", render)
    monkeypatch.setattr(app, "render_text", render)
    now = NOON
    publish(tmp_path, status=scan_status(NOON))
    with run_in_thread(tmp_path, now=lambda: now) as exporter:
        for seconds in (0, 0, 30, 31, 32):
            now = NOON + timedelta(seconds=seconds)
            assert exporter.get("/", Accept=accept).text == str(NOON)
        assert rendered == [NOON, NOON + timedelta(seconds=31)]
        newer = NOON + timedelta(minutes=5)
        publish(tmp_path, status=scan_status(newer))
        eventually(lambda: exporter.get("/", Accept=accept).text == str(newer))
    assert len(rendered) == 3
