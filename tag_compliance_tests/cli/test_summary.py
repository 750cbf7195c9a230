"""The summary: which accounts it shows, in which order, and in which colours."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from tag_compliance.cli.summary import json_summary, summary_of
from tag_compliance.cli.terminal import Style
from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.counts import COVERAGE, Counts
from tag_compliance.domain.read_status import Outcome
from tag_compliance.snapshot.status import AccountStatus, PolicyStatus, RuleStatus, ScanStatus
from tag_compliance_tests.support.snapshots import account_status, region_status, status_of


def account(number: int, compliant: int = 9, reason: str = "ok") -> AccountStatus:
    counts = None if reason != "ok" else Counts(10, 0, 10, compliant)
    region = region_status(None, reason, counts)
    return replace(account_status("a", region), account_id=AccountId(f"{number:012}"))


def rows(status: ScanStatus, style: Style | None = None) -> list[str]:
    return [line for line in summary_of(status, style or Style()) if line.startswith("  ")][1:]


def test_failed_accounts_are_first_and_at_most_twenty_healthy_ones_follow() -> None:
    healthy = [account(n, compliant=n % 10) for n in range(50)]
    status = status_of(accounts=(*healthy, account(99, reason="timeout")))
    first, *others, last = rows(status)
    assert first == f"  000000000099  a  {' ' * 17}  0 of 1 regions read"
    assert len(others) == 20
    assert {line.split()[3] for line in others} == {"0.0", "10.0", "20.0", "30.0"}
    assert last == "  … 30 more accounts, all fully read and at least as compliant"


def test_up_to_twenty_healthy_accounts_keep_the_configured_order() -> None:
    status = status_of(accounts=tuple(account(n, compliant=n % 10) for n in range(20)))
    assert [row.split()[0] for row in rows(status)] == [f"{n:012}" for n in range(20)]


def test_names_and_messages_cannot_control_the_terminal() -> None:
    shop = replace(account(1), account_name=AccountName("\x1b[31mshop\nnext"))
    status = status_of(accounts=(shop,), failures=("1 (\x1b]0;title\x07): no",))
    shown = "\n".join(summary_of(status, Style()))
    assert "\x1b" not in shown
    assert r"\x1b[31mshop\nnext" in shown
    assert r"not read: 1 (\x1b]0;title\x07): no" in shown


def test_colours_grade_the_outcome_and_the_accounts() -> None:
    accounts = (account(1, 10), account(2, 9), account(3, 1), account(4, reason="timeout"))
    status = status_of(accounts=accounts, outcome=Outcome.PARTIAL)
    first = next(iter(summary_of(status, Style(coloured=True))))
    red, green, yellow = "\x1b[31m", "\x1b[32m", "\x1b[33m"
    assert first.startswith(yellow + "partial\x1b[0m: ")
    failed, *shown = rows(status, Style(coloured=True))
    assert red + "0 of 1 regions read" in failed
    assert [colour in row for colour, row in zip((green, yellow, red), shown, strict=True)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
        (None, {}, False),
    ],
)
def test_colours_appear_only_on_a_terminal_that_wants_them(
    stream: io.StringIO | None, environment: dict[str, str], coloured: bool
) -> None:
    assert Style.of(stream, environment).coloured is coloured


def test_a_policy_is_summarized_by_severity_with_its_worst_rules_first() -> None:
    rules = (
        RuleStatus("fine", "t", "critical", 10, 0, 1),
        RuleStatus("many", "t", "low", 10, 7, 0),
        RuleStatus("serious", "t", "high", 10, 2, 3),
    )
    policy = PolicyStatus(rules, 10, 5, 2, active_waivers=1, expired_waivers=2, unused_waivers=0)
    lines = list(summary_of(replace(status_of(), policy=policy), Style()))
    at = next(n for n, line in enumerate(lines) if "violate none" in line)
    assert lines[at : at + 5] == [
        "50.0 % violate none of 3 rules, 20.0 % if waivers are ignored",
        "open findings: 0 critical, 2 high, 0 medium, 7 low, 0 info; 4 waived",
        "         2 violate serious (high)",
        "         7 violate many (low)",
        "2 waivers have expired; their findings count again",
    ]
    found = json.loads(json_summary(replace(status_of(), policy=policy), "id", None))
    assert found["policy"]["rules"][1]["violations"] == 7


def test_without_a_required_tag_no_compliance_with_required_tags_is_shown() -> None:
    untagged = Counts(12, 1, 10, None)
    accounts = [
        replace(account(n), regions=(region_status(None, counts=untagged),)) for n in (1, 2)
    ]
    total = untagged + untagged
    status = status_of(accounts=tuple(accounts), counts=total, tags=())
    lines = list(summary_of(status, Style()))
    assert lines[1:] == [
        "24 resources returned, 2 excluded, 2 duplicates, 20 counted",
        COVERAGE,
        "  000000000001  a        10        –  ok",
        "  000000000002  a        10        –  ok",
    ]
    found = json.loads(json_summary(status, "id", None))
    for numbers in (found, *found["accounts"], found["accounts"][0]["regions"][0]):
        assert (numbers["compliant"], numbers["compliance_percentage"]) == (None, None)


def test_the_json_summary_has_the_numbers_of_the_text() -> None:
    status = status_of(
        accounts=(account(1), account(2, reason="timeout")),
        failures=("no",),
        unmatched_exclusions=("ecs:tusk",),
    )
    found: dict[str, Any] = json.loads(json_summary(status, "id", "state/metrics.txt"))
    assert found["outcome"] == "complete"
    assert found["counted"] == 4
    assert found["compliance_percentage"] == 75.0
    assert found["missing_tags"] == {"Owner": 1}
    first, second = found["accounts"]
    assert (first["counted"], first["compliance_percentage"]) == (10, 90.0)
    assert (second["counted"], second["compliance_percentage"]) == (0, None)
    assert second["regions"] == [{"region": "eu-west-1", "reason": "timeout"}]
    assert found["failures"] == ["no"]
    assert found["unmatched_exclusions"] == ["ecs:tusk"]
    assert found["coverage"] == COVERAGE
    assert (found["snapshot_id"], found["metrics"]) == ("id", "state/metrics.txt")


def test_a_scan_that_read_nothing_mentions_earlier_numbers_only_if_there_are_any() -> None:
    status = status_of(accounts=(account(1),), outcome=Outcome.NOTHING)
    earlier = list(summary_of(replace(status, counts=Counts(10, 0, 10, 9)), Style()))
    assert "nothing could be scanned; all numbers are those of earlier scans" in earlier
    first = list(summary_of(replace(status, counts=Counts()), Style()))
    assert "nothing could be scanned" in first
