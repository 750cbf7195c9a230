"""The small line of recent days."""

from __future__ import annotations

from pathlib import Path

from tag_compliance.exporter.html_pages import render
from tag_compliance.exporter.pages.trend import Trend
from tag_compliance_tests.exporter.pages.sample import ROWS, queries_of
from tag_compliance_tests.exporter.pages.test_breakdown import page_of
from tag_compliance_tests.exporter.test_status_page import Parsed
from tag_compliance_tests.reports.rows import SHOP

DAYS = (("2026-05-01", 10), ("2026-05-02", 5), ("2026-05-05", 0))


def test_days_have_their_distance_and_zero_is_at_the_bottom() -> None:
    assert Trend(DAYS).points == "0.0,1.0 25.0,10.0 100.0,19.0"
    assert Trend(DAYS).text == "10 on 2026-05-01, 0 on 2026-05-05"


def test_fewer_findings_are_better() -> None:
    assert Trend(DAYS).direction == "better"
    assert Trend((DAYS[2], ("2026-05-06", 1))).direction == "worse"
    assert Trend((DAYS[2], ("2026-05-06", 0))).direction == "same"


def test_one_day_is_no_line() -> None:
    assert not Trend(DAYS[:1])
    assert not Trend()


def test_accounts_and_the_total_have_a_line_and_filters_hide_it(tmp_path: Path) -> None:
    rows = [
        {"subject": subject, "value": value, "date": day, "open": count}
        for subject, value in (("account_id", SHOP), ("all", ""))
        for day, count in DAYS
    ]
    queries = queries_of(tmp_path / "f.sqlite", ROWS, trend=rows)

    def lines(by: str, query: str = "") -> list[str | None]:
        html = render("breakdown.html", page_of(queries, by, query))
        found = Parsed(html).tags
        return [a["aria-label"] for tag, a in found if tag == "svg" and "aria-label" in a]

    assert lines("account") == [Trend(DAYS).text] * 2
    assert lines("account", "severity=high") == []
    assert lines("owner") == []
