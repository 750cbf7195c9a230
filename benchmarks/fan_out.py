"""Measures a scan of several concurrent runs on one machine: PostgreSQL, code server, daemon.

    python -m benchmarks.fan_out --accounts 500 --runs 10

The samples must be those of a scan in one run. After one of the runs was killed, the samples of the
other runs' accounts must still be the same. The exit code is 0 if both hold.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import dagster as dg

from tag_compliance.cli.dagster_home import event_settings
from tag_compliance_tests.fake_aws import FakeAws, generate_organization
from tag_compliance_tests.pipeline.large_scans import large_scans, show
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.support.aws import REGIONS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument(
        "--resources", type=int, default=50, help="resources in each of two regions"
    )
    options = parser.parse_args()
    organization = generate_organization(options.accounts, REGIONS, options.resources)
    with tempfile.TemporaryDirectory() as folder, FakeAws(organization) as fake:
        for name in [n for n in os.environ if n.startswith(("AWS_", "TAG_COMPLIANCE_", "DAGSTER"))]:
            del os.environ[name]
        os.environ.update(fake.environment() | event_settings(options.accounts))
        ids = [account.account_id for account in organization]
        (Path(folder) / "single").mkdir()
        (Path(folder) / "several").mkdir()
        with dg.DagsterInstance.ephemeral() as instance:
            one_run = Pipeline(Path(folder) / "single", instance)
            one_run.configure(ids)
            began = time.monotonic()
            assert one_run.scan().success
            seconds = {"a scan in one run, in this process": time.monotonic() - began}
            single = one_run.samples()
        with large_scans(Path(folder) / "several", fake, options.runs, patience=600) as scans:
            seconds |= show(scans, single, ids[len(ids) // 2])
    print(f"{options.accounts} accounts in {options.runs} runs, {len(single)} samples: equal")
    for name, value in seconds.items():
        print(f"  {name}: {value:.1f} s")


if __name__ == "__main__":
    main()
