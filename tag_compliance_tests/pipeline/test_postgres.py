"""A real PostgreSQL and real processes: a scan of several runs, one of which is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance_tests.fake_aws import FakeAws, generate_organization
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.daemons import write_home
from tag_compliance_tests.pipeline.large_scans import large_scans, show
from tag_compliance_tests.pipeline.pipelines import REGIONS, Pipeline
from tag_compliance_tests.pipeline.postgres import running_postgres, storage_section
from tag_compliance_tests.support.aws import Enter

ACCOUNTS, RUNS = 40, 2


@pytest.fixture
def fake(enter: Enter) -> Iterator[FakeAws]:
    with FakeAws(generate_organization(ACCOUNTS, REGIONS, 5)) as fake:
        enter(fake)
        yield fake


def test_a_scan_works_on_postgresql_as_on_sqlite(
    tmp_path: Path, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_postgres() as url:
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
        home = write_home(tmp_path / "dagster", storage_section("DAGSTER_POSTGRES_URL"))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            pipeline = Pipeline(tmp_path, instance)
            pipeline.configure(ids_of(fake)[:3])
            result = pipeline.scan()
            assert result.success
            assert instance.get_run_by_id(result.run_id) is not None
            assert pipeline.partitions() == ids_of(fake)[:3]
            pipeline.configure(ids_of(fake)[1:5])
            assert pipeline.scan().success
            assert pipeline.partitions() == ids_of(fake)[1:5]
        assert not list(home.rglob("*.db"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_scan_of_several_runs_equals_one_of_a_single_run_and_survives_a_killed_run(
    tmp_path: Path, pipeline: Pipeline, fake: FakeAws
) -> None:
    pipeline.configure(ids_of(fake))
    assert pipeline.scan().success
    single = pipeline.samples()
    folder = tmp_path / "large"
    folder.mkdir()
    with large_scans(folder, fake, RUNS) as scans:
        show(scans, single, ids_of(fake)[ACCOUNTS // 2 + 3])
