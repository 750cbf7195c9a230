"""Runs the fake AWS in another process, and writes a configuration for it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import yaml

from benchmarks.cases import REGIONS, ScanCase
from benchmarks.process import clean_environment

REQUIRED_TAGS = ("Owner", "Environment", "CostCenter", "Project")


@contextlib.contextmanager
def fake_aws(case: ScanCase, folder: Path, *, tls: bool = False) -> Iterator[dict[str, str]]:
    """Serves the case's organization; yields the environment for programs that use it."""
    authority = folder / "authority.pem"
    command = [
        *(sys.executable, "-m", "tag_compliance_tests.fake_aws", "--until-stdin-closes"),
        *("--accounts", str(case.accounts), "--regions", ",".join(REGIONS[: case.regions])),
        *("--resources", str(case.resources), "--latency", str(case.latency)),
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


def write_configuration(case: ScanCase, folder: Path) -> Path:
    """Writes `config.yaml` with the defaults and the settings of the case."""
    values: dict[str, Any] = {
        # A new list for each account: PyYAML writes a repeated list as an alias.
        "aws_account_matrix": [
            {
                "account_id": f"{100_000_000_000 + n}",
                "account_name": f"team-{n}",
                "regions": list(REGIONS[: case.regions]),
            }
            for n in range(case.accounts)
        ],
        "assume_role_name_template": "terraform",
        "REQUIRED_TAGS": list(REQUIRED_TAGS),
        "excluded_resource_types": ["ecs:task"],
        "storage": "state",
    }
    if case.baseline:
        # The baseline has no limit, and both must publish the same series.
        values["max_detail_series"] = "unlimited"
    if case.unlimited:
        values["calls_per_second"] = 0.0
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path
