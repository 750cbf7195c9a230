"""A pipeline for a test: its folder, its configuration, its Dagster instance, its AWS."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance_tests.fake_aws import FakeAws, Organization, generate_organization
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.tables import Tables
from tag_compliance_tests.support.aws import REGIONS, Enter
from tag_compliance_tests.support.environment import become, isolated

_SILENT = {"telemetry": {"enabled": False}}


@pytest.fixture(autouse=True)
def _no_other_aws(tmp_path: Path) -> None:
    become(isolated(os.environ, tmp_path))


@pytest.fixture
def organization() -> Organization:
    """Three accounts with two regions of 30 resources each."""
    return generate_organization(3, REGIONS, 30)


@pytest.fixture
def fake(organization: Organization, enter: Enter) -> Iterator[FakeAws]:
    with FakeAws(organization) as fake:
        enter(fake)
        yield fake


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Dagster home with its tables, to be copied: creating them takes longer than most tests."""
    home = tmp_path_factory.mktemp("dagster")
    with dg.DagsterInstance.local_temp(str(home), _SILENT) as instance:
        instance.get_run_records(limit=1)
        instance.get_dynamic_partitions("account")
        instance.all_instigator_state()
    return home


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def pipeline(tmp_path: Path, instance: dg.DagsterInstance) -> Pipeline:
    """Without a configuration yet."""
    return Pipeline(tmp_path, instance)


@pytest.fixture
def scanning(pipeline: Pipeline, fake: FakeAws) -> Pipeline:
    """Configured for the accounts of `fake`."""
    pipeline.configure(account.account_id for account in fake.organization)
    return pipeline


@pytest.fixture
def idle(tmp_path: Path, empty_home: Path) -> Iterator[Pipeline]:
    """Three accounts, every five minutes, and nothing has run yet.

    The instance is in a folder, for code that opens it again, as a schedule's tick does.
    """
    home = shutil.copytree(empty_home, tmp_path / "dagster")
    with dg.DagsterInstance.local_temp(str(home), _SILENT) as instance:
        pipeline = Pipeline(tmp_path, instance)
        pipeline.configure(f"{100_000_000_000 + number}" for number in range(3))
        yield pipeline


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)
