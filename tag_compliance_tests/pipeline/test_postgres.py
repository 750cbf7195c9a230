"""A real PostgreSQL and real processes: a scan of several runs, one of which is killed."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from tag_compliance_tests.fake_aws import FakeAws, Organization, generate_organization
from tag_compliance_tests.pipeline.daemons import write_home
from tag_compliance_tests.pipeline.large_scans import large_scans, show
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.postgres import running_postgres, storage_section
from tag_compliance_tests.support.aws import REGIONS

ACCOUNTS, RUNS = 40, 2


@pytest.fixture
def organization() -> Organization:
    return generate_organization(ACCOUNTS, REGIONS, 5)


def test_a_scan_works_on_postgresql_as_on_sqlite(
    tmp_path: Path, scanning: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_postgres() as url:
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
        home = write_home(tmp_path / "dagster", storage_section("DAGSTER_POSTGRES_URL"))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            pipeline = Pipeline(tmp_path, instance)
            for accounts in (scanning.ids[:3], scanning.ids[1:5]):
                pipeline.configure(accounts)
                result = pipeline.scan()
                assert pipeline.status_of(result.run_id) is dg.DagsterRunStatus.SUCCESS
                assert pipeline.partitions() == accounts
        assert not list(home.rglob("*.db"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_scan_of_several_runs_equals_one_of_a_single_run_and_survives_a_killed_run(
    tmp_path: Path, scanning: Pipeline, fake: FakeAws
) -> None:
    assert scanning.scan().success
    folder = tmp_path / "large"
    folder.mkdir()
    with large_scans(folder, fake, RUNS) as scans:
        show(scans, scanning.samples(), scanning.ids[ACCOUNTS // 2 + 3])
