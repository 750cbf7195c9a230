"""The status page, in HTML and in text."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser

from tag_compliance.exporter import status_page
from tag_compliance.exporter.health import evaluate_health
from tag_compliance.exporter.html_pages import HtmlPages
from tag_compliance.exporter.loaded_snapshot import LoadedSnapshot
from tag_compliance.exporter.snapshot_watcher import State
from tag_compliance.exporter.status_page import StatusPage
from tag_compliance.exporter.status_text import render_text
from tag_compliance.snapshot.appendable_gzip import compress
from tag_compliance.snapshot.status import (
    AccountStatus,
    LastScan,
    Outcome,
    ScanStatus,
    TagStatus,
)
from tag_compliance.snapshot.store import Snapshot
from tag_compliance_tests.exporter.running import Exporter
from tag_compliance_tests.exporter.snapshots import NOON, region_status, scan_status

HOSTILE = "<script>alert('x')</script>\"&{{ 7 * 7 }}\x1b[31m"
PAGES = HtmlPages()


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
        snapshot = Snapshot("id", status, b"", compress(b""))
        state = State(LoadedSnapshot.of(snapshot), ended)
    return StatusPage(state, evaluate_health(state, now), now)


def _html(page: StatusPage) -> str:
    return PAGES.render("status.html", page=page)


def _hostile() -> ScanStatus:
    region = region_status(
        None, region=HOSTILE, reason="access_denied", message=HOSTILE, compliance_percentage=None
    )
    return scan_status(
        NOON,
        outcome=Outcome.PARTIAL,
        accounts=(AccountStatus("111122223333", HOSTILE, False, None, (region,)),),
        tags=(TagStatus(HOSTILE, 3),),
        failures=(HOSTILE,),
        version=HOSTILE,
    )


def test_the_text_page_of_a_complete_scan() -> None:
    lines = render_text(_page(scan_status(NOON))).replace("\u202f", " ").splitlines()
    assert lines[:-1] == [
        "Tag compliance: healthy",
        "",
        "Last scan:   2 min ago  every region was read",
        "Snapshot:    2 min ago  2026-05-04 12:00:00 UTC, valid for 15 min",
        "Compliance:  75.0 %     of resources have every required tag",
        "Resources:   4          3 compliant",
        "Accounts:    1 of 1     fully read",
        "Regions:     1 of 1     read",
        "",
        "Missing tags",
        "tag    missing on  of all",
        "Owner  1           25.0 %",
        "",
        "Accounts and regions",
        "account  id            region     state  resources  compliant  last success",
        "shop     111122223333  eu-west-1  ok     4          75.0 %     2 min ago",
        "",
        "/metrics  metrics for Prometheus",
        "/health   whether the data can be relied on",
        "/ready    whether a snapshot is loaded",
        "/livez    whether the process responds",
    ]
    assert lines[-1].startswith("version   ")


def test_both_forms_show_the_reason_message_and_last_success_of_a_failed_region() -> None:
    region = region_status(
        NOON - timedelta(days=2), reason="throttled", message="too many calls", resources=0
    )
    account = AccountStatus("111122223333", "shop", False, None, (region,))
    page = _page(scan_status(NOON, outcome=Outcome.PARTIAL, accounts=(account,)))
    for form in (render_text(page), _html(page)):
        for shown in ("partial", "throttled", "too many calls", "2 d ago", "/metrics", "/health"):
            assert shown in form


def test_the_html_page_grades_regions_and_opens_the_accounts_that_were_not_fully_read() -> None:
    read = tuple(
        region_status(NOON, compliance_percentage=percentage)
        for percentage in (100.0, 90.0, 89.9, 50.0, 49.9, None)
    )
    failed = region_status(None, reason="throttled")
    accounts = (
        AccountStatus("1", "read", True, NOON, read),
        AccountStatus("2", "partly read", False, None, (read[0], failed)),
        AccountStatus("3", "not read", False, None, (failed,)),
    )
    tags = Parsed(_html(_page(scan_status(NOON, accounts=accounts)))).tags
    details = [attributes for tag, attributes in tags if tag == "details"]
    assert [(d["class"], "open" in d) for d in details] == [
        ("account partial", True),
        ("account failed", True),
        ("account good", False),
    ]
    grades = [attributes["class"] for tag, attributes in tags if tag == "li" and attributes]
    assert grades[:3] == ["good", "bad", "bad"]
    assert grades[3:] == ["good", "good", "fair", "fair", "poor", "empty"]


def test_text_from_outside_is_shown_literally_by_the_html_page() -> None:
    page = Parsed(_html(_page(_hostile())))
    assert "script" not in {tag for tag, _ in page.tags}
    # The account, the tag, the region twice, and its message. The failure is part of a sentence.
    assert page.text.count(HOSTILE) == 5
    assert f"the last scan is partial: {HOSTILE}" in page.text


def test_text_from_outside_cannot_control_a_terminal() -> None:
    text = render_text(_page(_hostile()))
    assert "<script>alert('x')</script>" in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_the_page_before_the_first_snapshot_says_so() -> None:
    for form in (render_text(_page(None)), _html(_page(None))):
        assert "no snapshot has been published yet" in form


def test_the_html_page_loads_nothing_and_its_policy_allows_only_its_style() -> None:
    html = _html(_page(_hostile()))
    for tag, attributes in Parsed(html).tags:
        assert tag != "script"
        for name, value in attributes.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in {"src", "href"}:
                assert (value or "").startswith(("/", "data:"))
    style = re.search("<style>(.*)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert PAGES.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_a_page_with_too_many_accounts_shows_failed_ones_first_and_how_many_are_left_out() -> None:
    account = scan_status(NOON).accounts[0]
    failed = AccountStatus("999999999999", "last but failed", False, None, account.regions)
    accounts = (*(account,) * (status_page.MAX_ACCOUNTS + 7), failed)
    page = _page(scan_status(NOON, accounts=accounts))
    for form in (render_text(page), _html(page)):
        assert "8 more accounts are in the metrics but not on this page." in form
        assert "last but failed" in form


def test_browsers_get_html_and_curl_gets_text(exporter: Exporter) -> None:
    browser = exporter.get("/", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert browser.headers["content-type"] == "text/html; charset=utf-8"
    assert browser.text.startswith("<!doctype html>")
    for name, value in PAGES.headers.items():
        assert browser.headers[name.lower()] == value
    text = exporter.get("/", Accept="*/*")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.text.startswith("Tag compliance: failing\n")
    for response in (browser, text):
        assert (response.headers["vary"], response.headers["cache-control"]) == (
            "Accept",
            "no-store",
        )
