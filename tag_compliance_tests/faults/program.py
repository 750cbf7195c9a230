"""The program `tag-compliance scan` in this process, and what it put out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tag_compliance.cli.main import main
from tag_compliance.snapshot.store import Snapshot, SnapshotStore
from tag_compliance.storage.open import open_storage
from tag_compliance_tests.aws.scans import REGIONS
from tag_compliance_tests.fake_aws import REQUIRED_TAGS, FakeAws, Organization

_SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Region = tuple[str, str]


@dataclass(frozen=True)
class Sample:
    name: str
    labels: Mapping[str, str]
    value: float
    line: str


@dataclass(frozen=True)
class Ended:
    """One run: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def samples(self) -> list[Sample]:
        found = []
        for line in self.out.splitlines():
            if match := _SAMPLE.match(line):
                labels = dict(_LABEL.findall(match["labels"] or ""))
                found.append(Sample(match["name"], labels, float(match["value"]), line))
        return found

    @property
    def numbers(self) -> dict[Region, list[str]]:
        """The samples of the ten metrics of the contract, by account and region."""
        found: dict[Region, list[str]] = {}
        for sample in self.samples:
            contract = sample.name == "tag_compliance_percentage"
            if contract or not sample.name.startswith("tag_compliance_"):
                key = (sample.labels["account_id"], sample.labels["region"])
                found.setdefault(key, []).append(sample.line)
        return found

    @property
    def regions(self) -> dict[Region, tuple[str, float]]:
        """Reason and success of each region."""
        return {
            (s.labels["account_id"], s.labels["region"]): (s.labels["reason"], s.value)
            for s in self.samples
            if s.name == "tag_compliance_region_scan_success"
        }

    def value(self, name: str, account_id: str) -> float:
        """Of a metric that an account has once."""
        (found,) = [
            s.value
            for s in self.samples
            if s.name == name and s.labels.get("account_id") == account_id
        ]
        return found


class Program:
    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        captured: pytest.CaptureFixture[bytes],
    ) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self._monkeypatch = monkeypatch
        self._captured = captured

    def configure(self, organization: Organization, **settings: Any) -> None:
        matrix = [{"account_id": a.account_id, "regions": list(REGIONS)} for a in organization]
        values = {
            "aws_account_matrix": matrix,
            "REQUIRED_TAGS": list(REQUIRED_TAGS),
            "assume_role_name_template": "terraform",
            "calls_per_second": 0.0,
            "region_deadline": 30,
            **settings,
        }
        self.config.write_text(yaml.safe_dump(values))

    def scan(self, fake: FakeAws | None = None, *flags: str) -> Ended:
        for name, value in (fake.environment() if fake else {}).items():
            self._monkeypatch.setenv(name, value)
        self._captured.readouterr()
        code = main(["scan", "--config", str(self.config), *flags])
        out, err = self._captured.readouterr()
        return Ended(code, out.decode(), err.decode())

    def published(self) -> Snapshot | None:
        """The snapshot that an exporter would serve now."""
        return SnapshotStore(open_storage(str(self.folder / "state"))).load()
