"""Measures the discovery of a large organization: calls, CPU time and wall time."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping
from typing import Any

from benchmarks.process import call
from benchmarks.report import Report, Table
from tag_compliance.aws.discovery import discover
from tag_compliance.aws.targets import resolve, targets_of
from tag_compliance_tests.fake_aws import BASE_ACCOUNT_ID, FakeAws, Organization
from tag_compliance_tests.support.discovery import discovering_config

_ACCOUNTS, _TEAMS, _STAGES = 2_000, 60, 4
_ENABLED = {"regions": "enabled"}
_CASES: Mapping[str, dict[str, Any]] = {
    "the list": {},
    "the list, and the enabled regions of each account": _ENABLED,
    "the same again within a day": {**_ENABLED, "again": True},
}


def discovery(rounds: int) -> Report:
    """The first case has a target. The simulated AWS runs in this process, without latency."""
    report = Report("discovery")
    rows, calls = [], 0
    units = _TEAMS * (_STAGES + 1)
    with FakeAws(_organization()) as fake:
        for name, keys in _CASES.items():
            runs, first = [], calls if keys.get("again") else 0
            for _ in range(rounds):
                before = len(fake.calls)
                runs.append(call("discovery.measure", fake.environment(), keys))
                calls = len(fake.calls) - before - first
            cpu, wall = (statistics.median(run[n] for run in runs) for n in ("cpu", "wall"))
            rows.append([name, f"{calls:,}", f"{cpu:.2f} s", f"{wall:.1f} s"])
            report.records[name] = runs
            if not keys:
                what = f"discovery of {_ACCOUNTS:,} accounts in {units} OUs, CPU"
                report.at_most(what, cpu, 2, " s")
    title = f"Discovery of {_ACCOUNTS:,} accounts in {units} OUs"
    report.tables.append(Table(title, ("", "calls", "CPU", "wall"), rows))
    return report


def measure(environment: Mapping[str, str], keys: dict[str, Any]) -> dict[str, float]:
    """One discovery with everything that a scan then needs, in a process of its own.

    With the key `again`, it is preceded by one whose result it knows.
    """
    os.environ.update(environment)
    again = keys.pop("again", False)
    config = discovering_config({"role_arn": None, "refresh": 0, **keys})
    known = discover(config, None) if again else None
    wall, cpu = time.perf_counter(), time.process_time()
    found = discover(config, known)
    targets = targets_of(resolve(config, found))
    used = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    assert found.attempt.succeeded, found.attempt
    assert len(targets) == _ACCOUNTS, len(targets)
    return used


def _organization() -> Organization:
    organization = Organization()
    organization.management_account_id = BASE_ACCOUNT_ID
    units = []
    for team in range(_TEAMS):
        parent = organization.add_unit(f"Team {team}")
        units += [organization.add_unit(f"Stage {n}", parent) for n in range(_STAGES)]
    for number in range(_ACCOUNTS):
        account = organization.add_account(f"{100_000_000_000 + number}")
        account.parent_id = units[number % len(units)]
    return organization
