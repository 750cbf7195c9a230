"""A recorded case: an AWS organization, scans of it, and the exposition that each scan printed.

A case is one JSON file in `cases/`. Each of its steps has the accounts with their resources, the
faults, the configuration and the flags of one scan; the steps of a case share one storage. The
exposition of step N is in `<case>.<N>.prom`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization

CASES = Path(__file__).parent / "cases"

_TIMED = re.compile(r"^(\w+_seconds(?:\{.*\})?) \S+$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One scan: `accounts` and `faults` as in the file, `config` without its account matrix."""

    config: dict[str, Any]
    flags: tuple[str, ...]
    exit_code: int
    faults: tuple[dict[str, Any], ...]
    accounts: tuple[dict[str, Any], ...]
    expected: Path

    @classmethod
    def read(cls, case: str) -> list[Self]:
        """The steps of a case."""
        steps = json.loads((CASES / f"{case}.json").read_text("utf-8"))["steps"]
        return [
            cls(
                step["config"],
                tuple(step["flags"]),
                step["exit_code"],
                tuple(step["faults"]),
                tuple(step["accounts"]),
                CASES / f"{case}.{number}.prom",
            )
            for number, step in enumerate(steps, 1)
        ]

    @property
    def settings(self) -> dict[str, Any]:
        """The content of `config.yaml`."""
        matrix = [
            {
                "account_id": account["account_id"],
                "account_name": account["account_name"],
                "regions": list(account["regions"]),
            }
            for account in self.accounts
        ]
        return {"aws_account_matrix": matrix, "calls_per_second": 0.0, **self.config}

    def create_aws(self) -> FakeAws:
        """The organization of this step, with its faults; it runs from entering its context."""
        fake = FakeAws(self._organization())
        for fault in self.faults:
            where = dict(fault)
            fake.faults.add(Fault(where.pop("fault")), **where)
        return fake

    def _organization(self) -> Organization:
        organization = Organization()
        for described in self.accounts:
            account = organization.add_account(
                described["account_id"], partition=described.get("partition", "aws")
            )
            for region, resources in described["regions"].items():
                for arn, tags in resources:
                    account.put(region, arn, tags)
            for region in described.get("disabled_regions", ()):
                account.disable_region(region)
        return organization


def case_names() -> list[str]:
    return sorted(path.stem for path in CASES.glob("*.json"))


def without_times(exposition: str) -> str:
    """The exposition with `*` in place of each value that is a time or a duration."""
    return _TIMED.sub(r"\1 *", exposition)
