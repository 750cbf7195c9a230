"""A second, simple implementation of the merging of sources, with which the fast one must agree.

An account is as in `naive`, except that a region has `readings` instead of `rows`: each is
`{"source", "read", "counts", "rows"}`. The readings are in the order of the sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tag_compliance_tests.domain.naive import Samples, reason_of
from tag_compliance_tests.domain.naive import samples as naive_samples

_ORDER = ["tagging", "iam", "autoscaling", "resource_explorer"]
_GROUP = "autoscaling:autoScalingGroup"


def samples(
    accounts: Sequence[dict[str, Any]], required: Sequence[str], patterns: Sequence[str]
) -> Samples:
    """The samples of `naive.samples`, and those of the metrics about sources."""
    found = naive_samples([_merged(account, patterns) for account in accounts], required)
    for account in accounts:
        who = {"account_name": account["account_name"], "account_id": account["account_id"]}
        for region in account["regions"]:
            where = {**who, "region": region["region"]}
            for reading in region["readings"]:
                labels = {**where, "source": reading["source"]}
                found["tag_compliance_source_read", frozenset(labels.items())] = reading["read"]
        for row, region, reading in _chosen(account):
            labels = {**who, "region": region["region"], "resource_type": row["resource_type"]}
            if reason := reason_of(row, patterns):
                name = "tag_compliance_excluded_resources"
                labels |= {"reason": reason}
            elif reading["source"] == "resource_explorer" and _counts(region):
                name = "tag_compliance_never_tagged_resources"
            else:
                continue
            key = name, frozenset(labels.items())
            found[key] = found.get(key, 0) + 1
    return found


def _counts(region: dict[str, Any]) -> bool:
    """Whether the region counts: each of its sources that count was read."""
    return all(reading["read"] for reading in region["readings"] if reading["counts"])


def _merged(account: dict[str, Any], patterns: Sequence[str]) -> dict[str, Any]:
    """The account as the naive evaluation takes it, with only the rows that count."""
    rows: dict[str, list[Any]] = {region["region"]: [] for region in account["regions"]}
    for row, region, reading in _chosen(account):
        if _counts(region) and reading["counts"] and not reason_of(row, patterns):
            rows[region["region"]].append(row)
    regions = [
        {"region": region["region"], "read": _counts(region), "rows": rows[region["region"]]}
        for region in account["regions"]
    ]
    return {**account, "regions": regions}


def _chosen(account: dict[str, Any]) -> list[tuple[Any, Any, Any]]:
    """One row for each ARN, with its region and its reading."""
    on = {reading["source"] for region in account["regions"] for reading in region["readings"]}
    every = [
        (row, region, reading)
        for region in _in_order(account)
        for reading in region["readings"]
        if reading["read"]
        for row in reading["rows"]
        if reading["source"] != "resource_explorer"
        or row["resource_type"] != _GROUP
        or "autoscaling" in on
    ]
    best: dict[str, tuple[Any, Any, Any]] = {}
    for candidate in every:
        arn = candidate[0]["arn"]
        if arn not in best or _rank(candidate) < _rank(best[arn]):
            best[arn] = candidate
    return list(best.values())


def _rank(candidate: tuple[Any, Any, Any]) -> tuple[int, bool, bool]:
    row, region, reading = candidate
    parts = row["arn"].split(":")
    is_home = len(parts) > 3 and parts[3] == region["region"]
    counts = _counts(region) and reading["counts"]
    return _ORDER.index(reading["source"]), not counts, not is_home


def _in_order(account: dict[str, Any]) -> list[Any]:
    """The regions that count, then the others, those with a source of higher precedence first."""

    def first_read(region: dict[str, Any]) -> int:
        read = [_ORDER.index(r["source"]) for r in region["readings"] if r["read"]]
        return min(read, default=len(_ORDER))

    regions = account["regions"]
    return sorted(
        regions, key=lambda region: (not _counts(region), _counts(region) or first_read(region))
    )
