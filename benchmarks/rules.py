"""Evaluating the rules and waivers of a policy, compared with four required tags alone."""

from __future__ import annotations

import gc
import resource
import statistics
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.cases import REGIONS
from benchmarks.organization import NOON, TYPES, inventories_with, region_of
from benchmarks.process import MB, call
from benchmarks.report import Report, Table
from tag_compliance.config.policy_model import LoadedPolicy, PolicyRule, PolicyWaiver
from tag_compliance.config.policy_rules import policy_of
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.resources import AccountInventory
from tag_compliance_tests.domain.organizations import evaluated

RESOURCES = 1_000_000
_REQUIRED = ("Owner", "Environment", "CostCenter", "Project")
_WAIVERS = 200
_REGIONS = REGIONS[:5]
_EXAMPLE = Path(__file__).parents[1] / "policy.yaml"


def rules(resources: int, rounds: int) -> Report:
    """Each policy in its own process; the policies take turns."""
    report = Report("rules and waivers")
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in _POLICIES}
    for _ in range(rounds):
        for name, runs in found.items():
            runs.append(call("rules.measure", name, resources))
    many = [call("rules.measure", _MANY, 10_000) for _ in range(rounds)]
    seconds = {name: statistics.median(r["cpu"] for r in runs) for name, runs in found.items()}
    peak = {name: max(r["peak_bytes"] for r in runs) for name, runs in found.items()}
    rows = [
        [
            name,
            f"{resources:,}",
            f"{found[name][0]['findings']:,}",
            f"{seconds[name]:.2f} s",
            f"{1e6 * seconds[name] / resources:.2f} µs",
            f"{peak[name] / MB:,.0f} MB",
        ]
        for name in found
    ]
    of_many = statistics.median(run["cpu"] for run in many)
    peak_of_many = max(run["peak_bytes"] for run in many) / MB
    each = f"{1e6 * of_many / 10_000:,.0f} µs"
    violated = f"{many[0]['findings']:,}"
    rows.append([_MANY, "10,000", violated, f"{of_many:.2f} s", each, f"{peak_of_many:,.0f} MB"])
    columns = ("policy", "resources", "findings", "CPU", "CPU / resource", "peak")
    report.tables.append(Table("Evaluating rules and waivers", columns, rows))
    report.records = {"runs": found, "many": many}
    first, last = _POLICIES[0], _POLICIES[-1]
    report.at_most(f"CPU of {last}, relative to {first}", seconds[last] / seconds[first], 3)
    report.at_most(f"memory of {last}, relative to {first}", peak[last] / peak[first], 1.3)
    report.at_most(f"{_MANY}, 10,000 resources, CPU", of_many, 5, " s")
    return report


_POLICIES = (
    "4 required tags",
    "4 required tags and 12 rules",
    "4 required tags, 12 rules and 200 waivers",
)
_MANY = "1,000 rules"


def measure(name: str, resources: int) -> dict[str, Any]:
    """CPU seconds and peak memory of evaluating accounts one by one, as the pipeline does: the
    findings of an account are released before the next one is evaluated.
    """
    policy, accounts = _policy(name), inventories(resources)
    for inventory in inventories(100):  # the first use of a library is slow
        evaluated(inventory, policy)
    gc.collect()
    findings, started = 0, time.process_time()
    for inventory in accounts:
        findings += len(evaluated(inventory, policy).findings)
    return {
        "cpu": time.process_time() - started,
        "findings": findings,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _policy(name: str) -> Policy:
    twelve = yaml.safe_load(_EXAMPLE.read_text(encoding="utf-8"))["rules"]
    chosen: dict[str, tuple[list[Any], list[Any]]] = {
        _POLICIES[0]: ([], []),
        _POLICIES[1]: (twelve, []),
        _POLICIES[2]: (twelve, [_waiver(number) for number in range(_WAIVERS)]),
        _MANY: ([_rule(number) for number in range(1_000)], []),
    }
    entries, waivers = chosen[name]
    loaded = LoadedPolicy(
        rules=tuple(map(PolicyRule.model_validate, entries)),
        waivers=tuple(map(PolicyWaiver.model_validate, waivers)),
    )
    return policy_of(_REQUIRED, ("ecs:task",), loaded)


def _waiver(number: int) -> dict[str, Any]:
    """Accounts, types, regions and ARNs as people write them; one in ten has expired."""
    account_id = f"{100_000_000_000 + number}"
    region, type_ = _REGIONS[number % len(_REGIONS)], TYPES[number % len(TYPES)]
    matches: list[dict[str, list[str]]] = [
        {"accounts": [account_id], "types": [type_]},
        {"accounts": [account_id]},
        {"regions": [region], "types": [type_, "rds:*"]},
        {"arns": [f"arn:aws:{type_.split(':')[0]}:{region}:*/orders-service-*{number:03}"]},
        {"arns": [f"arn:aws:sqs:{region}:{account_id}:queue/orders-service-{number:012}"]},
    ]
    expires = NOON.date() + timedelta(days=-1 if number % 10 == 0 else 30 + number)
    return {
        "id": f"waiver-{number}",
        "rules": ["required-tag-*"] if number % 2 else ["owner-*", "costcenter-*"],
        "match": matches[number % len(matches)],
        "reason": "agreed with the owner",
        "owner": "platform",
        "expires": expires.isoformat(),
    }


def _rule(number: int) -> dict[str, Any]:
    """Twenty keys, in turn with values, patterns and lengths; half of them with a scope."""
    key = (*_REQUIRED, "Name", "Application", "BackupPlan", *(f"Key{n}" for n in range(13)))
    checks = (
        {"values": ["prod", "dev", f"a-{number}*"]},
        {"pattern": "[a-z0-9-]+"},
        {"required": True},
    )
    scopes: tuple[dict[str, Any], ...] = (
        {},
        {"only": {"types": [TYPES[number % len(TYPES)], "s3:*"]}},
        {},
        {"except": {"regions": [_REGIONS[number % len(_REGIONS)]]}},
    )
    found = {"id": f"rule-{number}", "tag": key[number % len(key)]}
    return found | checks[number % len(checks)] | scopes[number % len(scopes)]


def inventories(resources: int) -> list[AccountInventory]:
    """Accounts with this total number of resources: five regions each, 1,000 per region."""
    return inventories_with(_row, resources)


def _row(serial: int) -> dict[str, Any]:
    """A resource with most of its tags; about one in ten tags is absent, one in twenty wrong."""
    type_ = TYPES[serial * 7 % len(TYPES)]
    service, kind = type_.split(":")
    region = region_of(serial)
    pick = partial(_picked, serial)
    tags = {
        "Name": f"orders-service-{serial:012}",
        "Owner": pick(3, 10, ["tbd", *(f"team-{n}" for n in range(20))]),
        "Environment": pick(5, 10, ["Prod", "staging", "test", "sandbox-1", *["prod", "dev"] * 8]),
        "CostCenter": pick(7, 10, ["none", *(f"CC-{100_000 + n}" for n in range(19))]),
        "Project": pick(11, 10, [f"project-{n}" for n in range(50)]),
        "Application": pick(13, 2, [f"application-{n}" for n in range(50)]),
        "BackupPlan": pick(17, 3, ["daily", "weekly", "never"]),
        "Retention": pick(19, 3, ["30d", "12m", "7y", "for ever"]),
        "DataClassification": pick(23, 2, ["public", "internal", "confidential"]),
    }
    return {
        "arn": f"arn:aws:{service}:{region}:ACCOUNT:{kind}/orders-service-{serial:012}",
        "resource_type": type_,
        "tags": {key: value for key, value in tags.items() if value},
    }


def _picked(serial: int, seed: int, absent: int, values: list[str]) -> str:
    """One of the values in a mixed order; empty for one in `absent` resources."""
    number = serial * 2_654_435_761 * seed % 2**32 // 1_000
    return "" if number % absent == 0 else values[number // absent % len(values)]
