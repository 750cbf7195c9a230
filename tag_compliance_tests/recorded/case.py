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
    """One scan: its fields as in the file, and the file of its exposition.

    `config` is without its account matrix.
    """

    expected: Path
    config: dict[str, Any]
    flags: list[str]
    exit_code: int
    faults: list[dict[str, Any]]
    accounts: list[dict[str, Any]]

    @classmethod
    def read(cls, case: str) -> list[Self]:
        """The steps of a case."""
        steps = json.loads((CASES / f"{case}.json").read_text("utf-8"))["steps"]
        return [cls(CASES / f"{case}.{n}.prom", **step) for n, step in enumerate(steps, 1)]

    @property
    def settings(self) -> dict[str, Any]:
        """The content of `config.yaml`."""
        keys = ("account_id", "account_name")
        matrix = [
            {**{key: account[key] for key in keys}, "regions": list(account["regions"])}
            for account in self.accounts
        ]
        return {"aws_account_matrix": matrix, "calls_per_second": 0.0, **self.config}

    def create_aws(self) -> FakeAws:
        """The organization of this step, with its faults; it runs from entering its context."""
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
        fake = FakeAws(organization)
        for fault in self.faults:
            where = dict(fault)
            fake.faults.add(Fault(where.pop("fault")), **where)
        return fake


def case_names() -> list[str]:
    return sorted(path.stem for path in CASES.glob("*.json"))


def without_times(exposition: str) -> str:
    """The exposition with `*` in place of each value that is a time or a duration."""
    return _TIMED.sub(r"\1 *", exposition)
