"""The examples of docs/history.md are what the history does."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.history.advance import advance
from tag_compliance.domain.history.kinds import KINDS, WHYS
from tag_compliance.domain.history.state import AccountHistory
from tag_compliance_tests.domain.history.worlds import (
    ACCOUNTS,
    ARNS,
    PLACES,
    RETENTION,
    START,
    reading_of,
)

_PAGE = (Path(__file__).parents[3] / "docs" / "history.md").read_text(encoding="utf-8")
_HEAD = (
    "| hour | the scan finds | opened | closed | open since |\n| --- | --- | --- | --- | --- |\n"
)
EXAMPLES = [
    [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    for table in re.findall(re.escape(_HEAD) + r"((?:\|.*\n)+)", _PAGE)
]
_FOUND = {
    "no resource": None,
    "the resource violates": {"owner": "open"},
    "the resource violates, but is waived": {"owner": "waived"},
    "the resource complies": {},
}


def _reading(text: str, hour: int) -> dict[str, Any]:
    at, place = START + timedelta(hours=hour), PLACES[0]
    text = text.removeprefix("with a changed rule ")
    is_read, excluded = text != "the region cannot be read", text == "the resource is excluded"
    known: dict[str, Any] | None = {} if excluded or not is_read else _FOUND[text]
    row = {"place": place, "excluded": excluded, "findings": known}
    results = {place: at} if is_read else {}
    rows = {} if known is None else {ARNS[0]: row}
    return {"started_at": at, "configured": {place}, "results": results, "rows": rows}


def _events(before: AccountHistory, after: AccountHistory) -> tuple[str, str]:
    """The names of the kinds that were opened and of the reasons for which something was closed."""

    def names(of: str, all_: Any) -> str:
        known, now = (
            getattr(h.counters["owner"], of) if h.counters else (0,) * len(all_)
            for h in (before, after)
        )
        changed = [
            n for n, was, is_ in zip(all_, known, now, strict=True) for _ in range(is_ - was)
        ]
        return ", ".join(changed) or "–"

    return names("opened", KINDS), names("closed", WHYS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda rows: f"{rows[0][1]}…{rows[-1][1]}")
def test_the_history_does_what_each_example_of_the_page_says(example: list[list[str]]) -> None:
    history = AccountHistory.new(AccountId(ACCOUNTS[0]), AccountName("shop"), START)
    rules = {"owner": "1"}
    for hour, text, *expected in example:
        if text.startswith("with a changed rule"):
            rules = {"owner": "2"}
        at = START + timedelta(hours=int(hour))
        reading = reading_of(ACCOUNTS[0], _reading(text, int(hour)), rules)
        before, history = history, advance(history, reading, at, RETENTION)
        opened, closed = _events(before, history)
        rows = [r for r in history.tracked.to_pylist() if r["state"] == "open"]
        since = [f"{(r['opened_at'] - START) / timedelta(hours=1):g}" for r in rows]
        assert [opened, closed, *(since or ["–"])] == expected, f"hour {hour}"


def test_the_page_has_an_example_of_each_kind_and_reason_within_one_account() -> None:
    cells = {cell for rows in EXAMPLES for row in rows for cell in row[2:4]}
    assert {*map(str, KINDS), *map(str, WHYS)} - cells == {"account_removed"}
