"""Generated sequences of scans, as plain dicts and as the readings of the real history."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.findings import FINDING_SCHEMA
from tag_compliance.domain.history.reading import (
    PRESENT_SCHEMA,
    AccountReading,
    Place,
    RuleNumbers,
    TrackedRule,
)
from tag_compliance.domain.severity import Severity

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ACCOUNTS = ("111122223333", "222233334444")
SOURCES = ("tagging", "resource_explorer")
PLACES = tuple((region, source) for region in ("eu-west-1", "us-east-1") for source in SOURCES)
RULES = ("owner", "cost-center", "env")
ARNS = tuple(f"arn:aws:ec2:{PLACES[n % 4][0]}:1:instance/{n}" for n in range(5))
RETENTION = timedelta(days=4000)

_STEPS = (
    [timedelta(minutes=5)] * 9
    + [timedelta(hours=1), timedelta(hours=11), timedelta(hours=24), timedelta(days=2)]
    + [timedelta(days=8), timedelta(days=40)]
)
_CHANGES = (
    ["appear"] * 3
    + ["lose"] * 4
    + ["fix"] * 4
    + ["go"] * 2
    + ["waive"] * 4
    + ["rule", "unrule", "exclude", "place", "target"]
)


def sequences(most: int = 20) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Sequences of scans of a world in which a few things change between two scans."""
    return st.builds(sequence, st.integers(0, 2**32 - 1), st.integers(2, most))


def sequence(seed: int, length: int) -> list[dict[str, Any]]:
    world = _World(random.Random(seed))
    return [world.scan() for _ in range(length)]


class _World:
    """`stored` are the rows of each place as they were last read: a place that is not read keeps
    them.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.at = START
        self.rules = dict.fromkeys(RULES[: chance.randint(1, 3)], "1")
        self.waived: set[tuple[str, str]] = set()
        self.excluded: set[str] = set()
        self.targets = set(ACCOUNTS)
        self.configured = {a: set(PLACES) for a in ACCOUNTS}
        self.live: dict[str, dict[str, dict[str, Any]]] = {a: {} for a in ACCOUNTS}
        self.stored: dict[str, dict[Any, dict[str, Any]]] = {a: {} for a in ACCOUNTS}
        self.last: dict[str, dict[str, Any]] = {}
        self.before: dict[str, dict[str, Any]] = {}
        for account in ACCOUNTS:
            for arn in chance.sample(ARNS, 4):
                self._appear(account, arn)

    def scan(self) -> dict[str, Any]:
        chance = self.chance
        for _ in range(chance.randint(0, 6)):
            self._change()
        everything = chance.random() < 0.8
        accounts = {}
        for account in sorted(self.targets):
            if everything or account == ACCOUNTS[0] or account not in self.last:
                read = self._read(account)
                self.before[account] = self.last.get(account, read)
                self.last[account] = read
            # A run that merged its results before another one publishes the reading before.
            is_late = chance.random() < 0.1
            reading = (self.before if is_late else self.last)[account]
            rows = self._rows(account)
            snapshot = {a: row for a, row in rows.items() if row["place"] in reading["results"]}
            accounts[account] = {**reading, "rows": rows, "snapshot": snapshot}
        scan = {"at": self.at, "all_accounts": everything, "rules": dict(self.rules)}
        self.at += chance.choice(_STEPS)
        return {**scan, "accounts": accounts}

    def _read(self, account: str) -> dict[str, Any]:
        chance, stored = self.chance, self.stored[account]
        before = self.last.get(account, {"results": {}})["results"]
        results = {}
        for place in sorted(self.configured[account]):
            what = chance.random()
            if what < 0.15:  # it fails
                continue
            results[place] = self.at
            if what < 0.25 and place in before:  # its last result is reused
                results[place] = before[place]
            else:
                live = self.live[account].items()
                stored[place] = {
                    arn: {**row, "violates": dict(row["violates"])}
                    for arn, row in live
                    if row["place"] == place
                }
        configured = set(self.configured[account])
        return {"started_at": self.at, "configured": configured, "results": results}

    def _rows(self, account: str) -> dict[str, Any]:
        """Each ARN once; a row of the tagging API comes before one of another source."""
        rows: dict[str, Any] = {}
        for place in sorted(self.configured[account], key=PLACES.index):
            for arn, row in self.stored[account].get(place, {}).items():
                excluded = arn in self.excluded
                found = {
                    rule: "waived" if (rule, arn) in self.waived else "open"
                    for rule, version in self.rules.items()
                    if row["violates"].get((rule, version), False) and not excluded
                }
                new = {"place": place, "excluded": excluded, "findings": found}
                rows.setdefault(arn, new)
        return rows

    def _appear(self, account: str, arn: str) -> None:
        chance, region = self.chance, arn.split(":")[3]
        violates = {(rule, v): chance.random() < 0.5 for rule in RULES for v in "12"}
        place = (region, chance.choice(SOURCES))
        self.live[account][arn] = {"place": place, "violates": violates}

    def _change(self) -> None:
        chance = self.chance
        account, arn = chance.choice(ACCOUNTS), chance.choice(ARNS[:3] * 3 + ARNS)
        rule = chance.choice([RULES[0], *RULES])
        live, what = self.live[account], chance.choice(_CHANGES)
        if what == "appear":
            self._appear(account, arn)
        elif what in {"lose", "fix"} and arn in live:
            live[arn]["violates"] |= {(rule, v): what == "lose" for v in "12"}
        elif what == "go":
            live.pop(arn, None)
        elif what == "rule":
            self.rules[rule] = chance.choice("12")
        elif what == "unrule" and len(self.rules) > 1:
            self.rules.pop(rule, None)
        elif what == "waive":
            self.waived ^= {(rule, arn)}
        elif what == "exclude":
            self.excluded ^= {arn}
        elif what == "place":
            self.configured[account] ^= {chance.choice(PLACES)}
            self.configured[account] |= {PLACES[0]}
        elif what == "target":
            self.targets ^= {ACCOUNTS[1]}


def place(of: tuple[str, str]) -> Place:
    return Place(*of)


def reading_of(
    account_id: str, reading: Mapping[str, Any], rules: Mapping[str, str]
) -> AccountReading:
    """The same reading, as the real history gets it."""
    rows = reading["rows"]
    return AccountReading(
        AccountId(account_id),
        AccountName(f"name of {account_id}"),
        reading["started_at"],
        frozenset(map(place, reading["configured"])),
        {place(p): at for p, at in reading["results"].items()},
        present_table((arn, *row["place"], row["excluded"]) for arn, row in rows.items()),
        findings_table(account_id, rows),
        {rule: TrackedRule(Severity.MEDIUM, version) for rule, version in rules.items()},
        {rule: RuleNumbers(len(rows), 0) for rule in rules},
    )


def present_table(rows: Iterable[tuple[str, str, str, bool]]) -> pa.Table:
    names = ("arn", "region", "source", "excluded")
    records = [dict(zip(names, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(records, schema=PRESENT_SCHEMA)


def findings_table(account_id: str, rows: Mapping[str, Any]) -> pa.Table:
    records = [
        {
            "account_id": account_id,
            "region": row["place"][0],
            "arn": arn,
            "resource_type": "ec2:instance",
            "rule": rule,
            "severity": "medium",
            "state": state,
            "waiver": "w" if state == "waived" else None,
            "codes": ["missing"],
            "tag": rule,
        }
        for arn, row in rows.items()
        for rule, state in row["findings"].items()
    ]
    return pa.Table.from_pylist(records, schema=FINDING_SCHEMA)
