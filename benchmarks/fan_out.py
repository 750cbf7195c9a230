"""Measures a scan of several concurrent runs on one machine: PostgreSQL, code server, daemon.

    python -m benchmarks.fan_out --accounts 500 --runs 10

The samples must be those of a scan in one run. After one of the runs was killed, the samples of the
other runs' accounts must still be the same. The exit code is 0 if both hold.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import dagster as dg

from benchmarks.process import clean_environment
from tag_compliance.cli.dagster_home import event_settings
from tag_compliance_tests.fake_aws import FakeAws, generate_organization
from tag_compliance_tests.pipeline.large_scans import large_scans, show
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.environment import become


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--resources", type=int, default=50, help="in each of two regions")
    options = parser.parse_args()
    organization = generate_organization(options.accounts, REGIONS, options.resources)
    ids = [account.account_id for account in organization]
    with tempfile.TemporaryDirectory() as folder, FakeAws(organization) as fake:
        become(clean_environment(**fake.environment(), **event_settings(options.accounts)))
        single, several = Path(folder, "single"), Path(folder, "several")
        single.mkdir()
        with dg.DagsterInstance.ephemeral() as instance:
            one_run = Pipeline(single, instance)
            one_run.configure(ids)
            began = time.monotonic()
            assert one_run.scan().success
            seconds = {"a scan in one run, in this process": time.monotonic() - began}
            samples = one_run.samples()
        with large_scans(several, fake, options.runs, patience=600) as scans:
            seconds |= show(scans, samples, ids[len(ids) // 2])
    print(f"{options.accounts} accounts in {options.runs} runs, {len(samples)} samples: equal")
    for name, value in seconds.items():
        print(f"  {name}: {value:.1f} s")


if __name__ == "__main__":
    main()
