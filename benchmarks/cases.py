"""The scans to measure, each named by its size: `scan-20x4x1000@0.08+baseline`."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import certifi

from benchmarks.process import clean_environment
from tag_compliance_tests.support.config import write_config

REGIONS = (
    *("us-east-1", "eu-west-1", "us-west-2", "ap-southeast-1", "eu-central-1", "us-east-2"),
    *("ap-northeast-1", "ca-central-1", "eu-west-2", "sa-east-1", "eu-north-1", "us-west-1"),
)
_PATTERN = re.compile(r"(?:scan-)?(\d+)x(\d+)x(\d+)(?:@([\d.]+))?((?:\+[a-z]+)*)")
_OPTIONS = {"baseline", "explorer", "tls", "unlimited"}


@dataclass(frozen=True, slots=True)
class ScanCase:
    """`resources` in each of `regions` of each of `accounts`; each call takes `latency` seconds.

    `baseline`: the sequential exporter is also measured. `tls`: the same scan is also measured
    over TLS. `explorer`: each region has 30 % more resources, which never had a tag, and the scan
    with Resource Explorer is also measured, the first one and one that reuses its results.
    `unlimited`: the configuration switches the rate limit off.
    """

    accounts: int
    regions: int
    resources: int
    latency: float = 0.0
    baseline: bool = False
    explorer: bool = False
    tls: bool = False
    unlimited: bool = False

    @classmethod
    def parse(cls, text: str) -> ScanCase:
        """Raises `ArgumentTypeError` if the text is malformed."""
        found = _PATTERN.fullmatch(text)
        options = set(found.group(5).split("+")[1:]) if found else set()
        if found is None or options - _OPTIONS or int(found.group(2)) > len(REGIONS):
            form = "ACCOUNTSxREGIONSxRESOURCES[@LATENCY][+baseline][+explorer][+tls][+unlimited]"
            raise ArgumentTypeError(
                f"{text!r} is malformed: write {form}, with at most {len(REGIONS)} regions"
            )
        accounts, regions, resources = (int(found.group(n)) for n in (1, 2, 3))
        latency = float(found.group(4) or 0)
        return cls(accounts, regions, resources, latency, **dict.fromkeys(options, True))

    @property
    def name(self) -> str:
        size = f"{self.accounts:,} × {self.regions} × {self.resources:,}"
        return f"{size} at {self.latency * 1000:g} ms"

    @property
    def pages(self) -> int:
        return self.accounts * self.regions * max(1, -(-self.resources // 100))


DEFAULT_CASES = (
    "scan-20x4x1000@0.08+baseline",
    "scan-20x4x1000@0.08+explorer",
    "scan-1x1x100000@0+baseline+unlimited",
    "scan-200x5x1000@0.08+tls",
)


@contextlib.contextmanager
def fake_aws(case: ScanCase, folder: Path, *, tls: bool = False) -> Iterator[dict[str, str]]:
    """Serves the case's organization from another process; yields the environment to use it."""
    authority = folder / "authority.pem"
    command = [
        *(sys.executable, "-m", "tag_compliance_tests.fake_aws", "--until-stdin-closes"),
        *("--accounts", str(case.accounts), "--regions", ",".join(REGIONS[: case.regions])),
        *("--resources", str(case.resources), "--latency", str(case.latency)),
        *(("--never-tagged", str(case.resources * 3 // 10)) if case.explorer else ()),
        *(("--tls", "--ca-bundle", str(authority)) if tls else ()),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        environment = clean_environment(**ready["environment"])
        if tls:
            # As large as a real bundle, because loading the bundle takes most of the time.
            bundle = folder / "bundle.pem"
            bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.read_bytes())
            environment["AWS_CA_BUNDLE"] = str(bundle)
        try:
            yield environment
        finally:
            process.stdin.close()


def write_configuration(case: ScanCase, folder: Path, never_tagged: str | None = None) -> Path:
    """Writes `config.yaml` with the defaults and the settings of the case."""
    accounts = [
        {
            "account_id": f"{100_000_000_000 + number}",
            "account_name": f"team-{number}",
            "regions": list(REGIONS[: case.regions]),
        }
        for number in range(case.accounts)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    return write_config(
        folder,
        accounts,
        REQUIRED_TAGS=["Owner", "Environment", "CostCenter", "Project"],
        excluded_resource_types=["ecs:task"],
        storage="state",
        never_tagged=never_tagged,
        # The baseline has no limit, and both must publish the same series.
        max_detail_series="unlimited" if case.baseline else None,
        calls_per_second=0.0 if case.unlimited else None,
    )
