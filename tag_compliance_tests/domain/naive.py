"""A second, simple implementation of the evaluation, with which the fast one must agree.

An account is `{"account_id", "account_name", "regions"}`, a region `{"region", "read", "rows"}`, a
row `{"arn", "resource_type", "tags"}`.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from tag_compliance.domain.metrics import CONTRACT_METRICS

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(
    accounts: Sequence[dict[str, Any]],
    required: Sequence[str],
    patterns: Sequence[str] = (),
    limit: int | None = None,
) -> Samples:
    """All samples of the ten contract metrics and of some by type or about what they leave out."""
    found: Samples = {}

    def put(name: str, value: float, **labels: str) -> None:
        key = name, frozenset(labels.items())
        assert key not in found, "two samples of one series"
        found[key] = value

    details: list[tuple[Any, ...]] = []
    for account in accounts:
        who = {"account_name": account["account_name"], "account_id": account["account_id"]}
        unknown = 0
        for region in account["regions"]:
            if not region["read"]:
                continue
            where = {**who, "region": region["region"]}
            rows = [row for row in region["rows"] if belongs(row, region, account)]
            kept = [row for row in rows if not reason_of(row, patterns)]
            for row in rows:
                if reason := reason_of(row, patterns):
                    labels = {**where, "resource_type": row["resource_type"], "reason": reason}
                    key = "tag_compliance_excluded_resources", frozenset(labels.items())
                    found[key] = found.get(key, 0) + 1
            unknown += sum(row["resource_type"] == "unknown:unknown" for row in kept)
            put("resources_scanned_total", len(kept), **where)
            missing = sum(tag not in row["tags"] for row in kept for tag in required)
            put("tag_compliance_detail_series_omitted", missing, **where)
            _shares(put, kept, required, where)
            _by_type(put, kept, required, where)
            details += [
                (row["resource_type"], row["arn"], at, tag, where)
                for row in kept
                for at, tag in enumerate(required)
                if tag not in row["tags"]
            ]
        put("tag_compliance_unparsable_arn_resources", unknown, **who)
    details.sort(key=lambda d: (d[4]["account_id"], d[4]["region"], *d[:3]))
    for type_, arn, _, tag, where in _fairly(details, len(details) if limit is None else limit):
        labels = {**where, "tag": tag, "resource_type": type_, "resource_arn": label_of(arn)}
        put("tag_missing_detail", 1, **labels)
        found["tag_compliance_detail_series_omitted", frozenset(where.items())] -= 1
    return found


NAMES = {metric.name for metric in CONTRACT_METRICS} | {
    "tag_compliance_resources_by_type",
    "tag_compliance_excluded_resources",
    "tag_compliance_unparsable_arn_resources",
    "tag_compliance_detail_series_omitted",
}


def _shares(put: Any, rows: list[Any], required: Sequence[str], where: dict[str, str]) -> None:
    whole = [row for row in rows if all(tag in row["tags"] for tag in required)]
    put("resources_fully_compliant_total", len(whole), **where)
    if rows:
        put("compliance_percentage", 100 * len(whole) / len(rows), **where)
    for tag in required:
        having = [row for row in rows if tag in row["tags"]]
        put("tag_compliant_total", len(having), **where, tag=tag)
        put("tag_non_compliant_total", len(rows) - len(having), **where, tag=tag)
        if rows:
            share = 100 * len(having) / len(rows)
            put("tag_compliance_percentage", share, **where, tag=tag)


def _by_type(put: Any, kept: list[Any], required: Sequence[str], where: dict[str, str]) -> None:
    for type_ in {row["resource_type"] for row in kept}:
        labels = {**where, "resource_type": type_}
        of_type = [row for row in kept if row["resource_type"] == type_]
        whole = [row for row in of_type if all(tag in row["tags"] for tag in required)]
        share = 100 * len(whole) / len(of_type)
        put("resources_fully_compliant_by_type_total", len(whole), **labels)
        put("tag_compliance_resources_by_type", len(of_type), **labels)
        put("resources_fully_compliant_by_type_percentage", share, **labels)
        for tag in required:
            having = [row for row in of_type if tag in row["tags"]]
            share = 100 * len(having) / len(of_type)
            put("tag_resource_type_compliance_percentage", share, **labels, tag=tag)


def belongs(row: dict[str, Any], region: dict[str, Any], account: dict[str, Any]) -> bool:
    """Whether this row of the account is the one that counts for its ARN."""
    places = [
        (r["region"], other)
        for r in account["regions"]
        if r["read"]
        for other in r["rows"]
        if other["arn"] == row["arn"]
    ]
    parts = row["arn"].split(":")
    home = parts[3] if len(parts) > 3 else None
    at_home = [place for place in places if place[0] == home]
    first = (at_home or places)[0]
    return first[0] == region["region"] and first[1] is row


def _fairly(details: list[tuple[Any, ...]], limit: int) -> list[tuple[Any, ...]]:
    """Takes one of each account in turn, until there are `limit`."""
    turns = Counter[str]()
    numbered = []
    for detail in details:
        account = detail[4]["account_id"]
        numbered.append((turns[account], account, detail))
        turns[account] += 1
    return [detail for *_, detail in sorted(numbered, key=lambda n: n[:2])][:limit]


def reason_of(row: dict[str, Any], patterns: Sequence[str]) -> str:
    """Why the row is not counted; empty if it is."""
    if excluded(row["resource_type"], patterns):
        return "pattern"
    is_owned = any(fnmatchcase(row["arn"], f"arn:*:{owned}") for owned in _OWNED)
    return "aws_owned" if is_owned else ""


_OWNED = (
    "iam:*:*:role/aws-service-role/*",
    "events:*:*:event-bus/default",
    "rds:*:*:pg:default.*",
)
"""Those of the ARNs that AWS owns which the organizations of the tests have."""


def excluded(resource_type: str, patterns: Sequence[str]) -> bool:
    text = resource_type.lower()
    for pattern in (p.lower() for p in patterns):
        bare = ":" not in pattern and "*" not in pattern
        if pattern in text if bare else _matches(pattern, text):
            return True
    return False


def _matches(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_matches(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] == text[0] and _matches(pattern[1:], text[1:])


def label_of(arn: str) -> str:
    looks_cut = len(arn) == 200 and re.search("~[0-9a-f]{16}$", arn)
    if len(arn) <= 200 and not looks_cut:
        return arn
    return arn[:183] + "~" + hashlib.sha256(arn.encode()).hexdigest()[:16]
