"""The status page, in both of its forms."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser

from tag_compliance.exporter import page as page_module
from tag_compliance.exporter.health import judge
from tag_compliance.exporter.page import Page
from tag_compliance.exporter.page_html import HtmlPage
from tag_compliance.exporter.page_text import render_text
from tag_compliance.exporter.served import Served
from tag_compliance.exporter.watcher import State
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

NASTY = "<script>alert('x')</script>\"&\x1b[31m"


def _page(status: ScanStatus | None) -> Page:
    state = State()
    if status:
        ended = LastScan(status.scan_started_at, status.made_at, status.outcome, status.failures)
        snapshot = Snapshot("id", status, b"", compress(b""))
        state = State(Served.of(snapshot), ended)
    now = NOON + timedelta(minutes=2)
    return Page(state, judge(state, now), now)


def _nasty() -> ScanStatus:
    region = region_status(
        None, region=NASTY, reason="access_denied", message=NASTY, compliance_percentage=None
    )
    return scan_status(
        NOON,
        outcome=Outcome.PARTIAL,
        accounts=(AccountStatus("111122223333", NASTY, False, None, (region,)),),
        tags=(TagStatus(NASTY, 3),),
        failures=(NASTY,),
        version=NASTY,
    )


def test_the_text_form_reads_like_this() -> None:
    lines = render_text(_page(scan_status(NOON))).replace("\u202f", " ").splitlines()
    assert lines[:-6] == [
        "Tag compliance: healthy",
        "",
        "Last scan:   2 min ago  every region was read",
        "Snapshot:    2 min ago  2026-05-04 12:00:00 UTC, good for 15 min",
        "Compliance:  75.0 %     of resources carry every required tag",
        "Resources:   4          3 compliant",
        "Accounts:    1 of 1     read completely",
        "Regions:     1 of 1     of accounts read",
        "",
        "Missing tags",
        "tag    missing on  of all",
        "Owner  1           25.0 %",
        "",
        "Accounts and regions",
        "account  id            region     state  resources  compliant  last success",
        "shop     111122223333  eu-west-1  ok     4          75.0 %     2 min ago",
    ]


def test_both_forms_name_state_reason_message_and_links_of_what_failed() -> None:
    region = region_status(
        NOON - timedelta(days=2), reason="throttled", message="too many calls", resources=0
    )
    account = AccountStatus("111122223333", "shop", False, None, (region,))
    page = _page(scan_status(NOON, outcome=Outcome.PARTIAL, accounts=(account,)))
    for form in (render_text(page), HtmlPage().render(page)):
        for told in ("partial", "throttled", "too many calls", "2 d ago", "/metrics", "/health"):
            assert told in form


def test_nothing_from_outside_is_markup_or_steers_a_terminal() -> None:
    html = HtmlPage().render(_page(_nasty()))
    assert "<script" not in html
    assert "alert(&#x27;x&#x27;)" in html
    assert "\x1b" not in render_text(_page(_nasty()))


def test_the_page_before_the_first_snapshot_says_so() -> None:
    for form in (render_text(_page(None)), HtmlPage().render(_page(None))):
        assert "no snapshot has been published yet" in form


def test_the_page_needs_nothing_from_elsewhere_and_its_policy_allows_just_its_style() -> None:
    page = HtmlPage()
    html = page.render(_page(_nasty()))
    outside: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag != "script"
            for name, value in attrs:
                assert name != "style"
                assert not name.startswith("on")
                if name in {"src", "href"} and not (value or "").startswith(("/", "data:")):
                    outside.append(value or "")

    Links().feed(html)
    assert outside == []
    style = re.search("<style>(.*)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["Content-Security-Policy"]


def test_a_page_of_very_many_accounts_is_cut_and_says_so() -> None:
    account = scan_status(NOON).accounts[0]
    failed = AccountStatus("999999999999", "last but failed", False, None, account.regions)
    accounts = (*(account,) * (page_module.MOST_ACCOUNTS + 7), failed)
    for form in (
        render_text(_page(scan_status(NOON, accounts=accounts))),
        HtmlPage().render(_page(scan_status(NOON, accounts=accounts))),
    ):
        assert "8 more accounts are in the metrics, and not on this page." in form
        assert "last but failed" in form


def test_browsers_get_html_and_curl_gets_text(exporter: Exporter) -> None:
    browser = exporter.get("/", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert browser.headers["content-type"] == "text/html; charset=utf-8"
    assert browser.text.startswith("<!doctype html>")
    assert exporter.get("/", Accept="*/*").text.startswith("Tag compliance: failing\n")
