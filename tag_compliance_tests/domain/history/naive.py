"""A second, simple history, written from the definitions, with which the fast one must agree.

A scan is a dict: `at`, `all_accounts`, `rules` (id to version), and `accounts`: by id a dict of
`started_at`, `configured` (places), `results` (place to time), `rows` (ARN to place, excluded and
`findings`: rule to "open" or "waived"; `snapshot` has the rows that the snapshot contains).
"""

from __future__ import annotations

import bisect
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

DAY = timedelta(hours=24)
KINDS = ("first_scan", "new_resource", "waiver_expired", "policy_change", "regressed")
WHYS = ("account_removed", "excluded", "rule_changed", "waived", "fixed", "gone")
BOUNDS = [3600, 14400, 86400, 259200, 604800, 1209600, 2592000, 7776000]


@dataclass
class Finding:
    state: str
    opened_at: datetime
    kind: str
    version: str
    place: Any
    missing: int = 0
    missing_since: datetime | None = None
    fixed_at: datetime | None = None


@dataclass
class Account:
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    ever_read: dict[Any, datetime] = field(default_factory=dict)
    reading: datetime | None = None
    removed: bool = False
    rules: set[str] = field(default_factory=set)


class NaiveHistory:
    """`events` are all that ever happened: opened, closed and returned, in order."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.events: list[dict[str, Any]] = []
        self.started_at: Any = None

    def scan(self, scan: dict[str, Any]) -> None:
        self.started_at = self.started_at or scan["at"]
        for account_id, reading in scan["accounts"].items():
            account = self.accounts.setdefault(account_id, Account())
            if account.reading is None or account.reading < reading["started_at"]:
                self._read(account_id, account, reading, scan)
        for account_id, account in self.accounts.items():
            left = account_id not in scan["accounts"] and not account.removed
            if left and scan["all_accounts"]:
                self._remove(account_id, account, scan["at"])

    def _remove(self, account_id: str, account: Account, at: datetime) -> None:
        for key, finding in list(account.findings.items()):
            if finding.state == "open":
                self._close(account_id, key, finding, "account_removed", at, at)
            if finding.state != "fixed":
                del account.findings[key]
        for resource in account.seen.values():
            resource["excluded"] = True
        account.removed = True

    def _read(
        self, account_id: str, account: Account, reading: dict[str, Any], scan: dict[str, Any]
    ) -> None:
        account.reading, account.removed = reading["started_at"], False
        for key, finding in list(account.findings.items()):
            if finding.state == "fixed":
                if scan["at"] - finding.fixed_at > DAY:
                    del account.findings[key]
                continue
            self._close_one(account_id, account, key, finding, reading, scan)
        rows = {a: r for a, r in reading["rows"].items() if r["place"] in reading["results"]}
        for arn, row in rows.items():
            for rule, state in row["findings"].items():
                self._found(account_id, account, (arn, rule), state, row, scan)
        for arn, row in rows.items():
            place, excluded = row["place"], row["excluded"]
            seen = {"place": place, "excluded": excluded, "rules": dict(scan["rules"])}
            account.seen[arn] = seen
        for resource in account.seen.values():
            if resource["place"] not in reading["configured"]:
                resource["excluded"] = True
        account.ever_read |= reading["results"]
        account.rules |= scan["rules"].keys()

    def _close_one(
        self,
        account_id: str,
        account: Account,
        key: tuple[str, str],
        finding: Finding,
        reading: dict[str, Any],
        scan: dict[str, Any],
    ) -> None:
        why, closed_at = self._why(account, key, finding, reading, scan)
        if why is None:
            return
        if finding.state == "open":
            self._close(account_id, key, finding, why, scan["at"], closed_at)
        if finding.state == "open" and why == "fixed":
            finding.state, finding.fixed_at = "fixed", scan["at"]
            finding.missing, finding.missing_since = 0, None
        else:
            del account.findings[key]

    def _why(
        self,
        account: Account,
        key: tuple[str, str],
        finding: Finding,
        reading: dict[str, Any],
        scan: dict[str, Any],
    ) -> tuple[str | None, datetime]:
        arn, rule = key
        row, at = reading["rows"].get(arn), scan["at"]
        if row is None:
            return self._why_absent(account, rule, finding, reading, scan)
        if row["place"] not in reading["results"]:
            return None, at
        if row["excluded"]:
            return "excluded", at
        if rule in row["findings"]:
            return None, at
        changed = scan["rules"].get(rule) != finding.version
        return "rule_changed" if changed else "fixed", at

    def _why_absent(
        self,
        account: Account,
        rule: str,
        finding: Finding,
        reading: dict[str, Any],
        scan: dict[str, Any],
    ) -> tuple[str | None, datetime]:
        place, at = finding.place, scan["at"]
        if place not in reading["configured"]:
            return "excluded", at
        if place not in reading["results"]:
            return None, at
        if rule not in scan["rules"]:
            return "rule_changed", at
        if reading["results"][place] != account.ever_read.get(place):
            finding.missing += 1
            finding.missing_since = finding.missing_since or at
            if finding.missing == 3 or at - finding.missing_since >= DAY:
                return "gone", finding.missing_since
        return None, at

    def _found(
        self,
        account_id: str,
        account: Account,
        key: tuple[str, str],
        state: str,
        row: dict[str, Any],
        scan: dict[str, Any],
    ) -> None:
        arn, rule = key
        at, version, place = scan["at"], scan["rules"][rule], row["place"]
        finding = account.findings.get(key)
        if finding is None:
            kind = self._kind(account, arn, rule, place, version)
            account.findings[key] = Finding(state, at, kind, version, place)
            if state == "open":
                self._open(account_id, key, kind, at)
            return
        was, finding.state = finding.state, state
        if was == "fixed" and state == "open":
            self.events.append(
                {"what": "returned", "account": account_id, "rule": rule, "arn": arn, "at": at}
            )
        elif was == "waived" and state == "open":
            finding.kind = "waiver_expired"
            self._open(account_id, key, finding.kind, at)
        elif was == "open" and state == "waived":
            self._close(account_id, key, finding, "waived", at, at)
        finding.version, finding.place = version, place
        finding.missing, finding.missing_since, finding.fixed_at = 0, None, None

    def _kind(self, account: Account, arn: str, rule: str, place: Any, version: str) -> str:
        if place not in account.ever_read:
            return "first_scan"
        if arn not in account.seen:
            return "new_resource"
        seen = account.seen[arn]
        if seen["excluded"] or seen["rules"].get(rule) != version:
            return "policy_change"
        return "regressed"

    def _open(self, account_id: str, key: tuple[str, str], kind: str, at: datetime) -> None:
        arn, rule = key
        self.events.append(
            {
                "what": "opened",
                "account": account_id,
                "rule": rule,
                "arn": arn,
                "kind": kind,
                "at": at,
            }
        )

    def _close(
        self,
        account_id: str,
        key: tuple[str, str],
        finding: Finding,
        why: str,
        at: datetime,
        closed_at: datetime,
    ) -> None:
        arn, rule = key
        self.events.append(
            {
                "what": "closed",
                "account": account_id,
                "rule": rule,
                "arn": arn,
                "why": why,
                "kind": finding.kind,
                "opened_at": finding.opened_at,
                "closed_at": closed_at,
                "at": at,
            }
        )

    # What is compared.

    def tracked(self, account_id: str) -> dict[tuple[str, str], tuple[Any, ...]]:
        return {
            key: (f.state, f.opened_at, f.kind, f.missing, f.missing_since, f.fixed_at)
            for key, f in self.accounts[account_id].findings.items()
        }

    def opened_total(self) -> Counter[tuple[str, str, str]]:
        return Counter(
            (e["rule"], e["account"], e["kind"]) for e in self.events if e["what"] == "opened"
        )

    def closed_total(self) -> Counter[tuple[str, str, str]]:
        return Counter(
            (e["rule"], e["account"], e["why"]) for e in self.events if e["what"] == "closed"
        )

    def fix_times(self) -> dict[str, list[float]]:
        times: dict[str, list[float]] = {}
        for e in self.events:
            timed = e.get("why") == "fixed" and e["kind"] in {"new_resource", "regressed"}
            if timed:
                seconds = (e["closed_at"] - e["opened_at"]).total_seconds()
                times.setdefault(e["rule"], []).append(seconds)
        return times

    def histogram(self, rule: str) -> tuple[list[int], float]:
        """The cumulative buckets, the one without bound included, and the sum."""
        times = sorted(self.fix_times().get(rule, []))
        return [bisect.bisect_right(times, b) for b in BOUNDS] + [len(times)], sum(times)

    def samples(self, scan: dict[str, Any]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample of the history after this scan."""
        found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}

        def put(name: str, value: float, **labels: str) -> None:
            key = f"tag_compliance_{name}", frozenset(labels.items())
            assert key not in found, "two samples of one series"
            found[key] = value

        opened, closed = self.opened_total(), self.closed_total()
        for account_id, account in self.accounts.items():
            is_target = account_id in scan["accounts"]
            for rule in account.rules | (scan["rules"].keys() if is_target else set()):
                for kind in KINDS:
                    labels = {"rule": rule, "account_id": account_id, "kind": kind}
                    put("findings_opened_total", opened[rule, account_id, kind], **labels)
                for why in WHYS:
                    labels = {"rule": rule, "account_id": account_id, "why": why}
                    put("findings_closed_total", closed[rule, account_id, why], **labels)
            if is_target:
                self._put_open(put, account_id, scan)
        for rule in set(scan["rules"]).union(*(a.rules for a in self.accounts.values())):
            buckets, total = self.histogram(rule)
            for bound, number in zip([*map(float, BOUNDS), "+Inf"], buckets, strict=True):
                put("time_to_fix_seconds_bucket", number, rule=rule, le=str(bound))
            put("time_to_fix_seconds_sum", total, rule=rule)
            put("time_to_fix_seconds_count", buckets[-1], rule=rule)
        put("history_start_timestamp_seconds", self.started_at.timestamp())
        return found

    def _put_open(self, put: Any, account_id: str, scan: dict[str, Any]) -> None:
        account, snapshot = self.accounts[account_id], scan["accounts"][account_id]["snapshot"]
        open_ = {key: f for key, f in account.findings.items() if f.state == "open"}
        shown = {
            (arn, rule)
            for arn, row in snapshot.items()
            for rule, state in row["findings"].items()
            if state == "open"
        }
        for rule in {*scan["rules"], *(rule for _, rule in open_)}:
            own = {key: f for key, f in open_.items() if key[1] == rule}
            who = {"account_name": f"name of {account_id}", "account_id": account_id}
            labels = {"rule": rule, "severity": "medium", **who}
            ages = self.ages(account_id, rule, scan["at"])
            for age in ("0d", "1d", "7d", "30d", "90d"):
                put("open_findings", ages[age], **labels, age=age)
            put("open_findings_unseen", len(own.keys() - shown), **labels)
            if own:
                oldest = min(f.opened_at for f in own.values())
                put("oldest_finding_timestamp_seconds", oldest.timestamp(), **labels)

    def ages(self, account_id: str, rule: str, now: datetime) -> Counter[str]:
        ages = Counter[str]()
        for (_, own), finding in self.accounts[account_id].findings.items():
            if own == rule and finding.state == "open":
                days = (now - finding.opened_at) / timedelta(days=1)
                ages[f"{max(b for b in (0, 1, 7, 30, 90) if b <= days)}d"] += 1
        return ages
