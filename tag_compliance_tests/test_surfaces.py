"""All surfaces show the same numbers: of the scan, of each account and of each region."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from tag_compliance.cli.main import main
from tag_compliance.config import load_config
from tag_compliance.pipeline.build import build_definitions
from tag_compliance_tests.exporter.running import run_in_thread
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.support import surfaces
from tag_compliance_tests.support.aws import enter
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.environment import become, isolated
from tag_compliance_tests.support.surfaces import Figures
from tag_compliance_tests.support.waiting import eventually

SHOP, LAB, VAULT = "111122223333", "222233334444", "333344445555"
_FOUR = ("returned", "excluded", "counted", "compliant")
_NAMES = {SHOP: "shop", LAB: "lab", VAULT: "vault"}


def _put(
    organization: Organization, account_id: str, region: str, type_: str, good: int, bad: int
) -> None:
    for number in range(good + bad):
        tags = {"Owner": "me"} if number < good else {}
        arn = f"arn:aws:{type_}/{number}".replace("REGION", f"{region}:{account_id}")
        organization[account_id].put(region, arn, tags)


def _organization(*account_ids: str) -> Organization:
    organization = Organization()
    for account_id in account_ids:
        organization.add_account(account_id)
    return organization


@dataclass(frozen=True)
class Case:
    """An organization, the regions to read, and the faults of the latest scan."""

    create: Callable[[], Organization]
    regions: tuple[str, ...]
    exit_code: int
    total: tuple[int, int, int, int]
    fail: Callable[[FakeAws], object] | None = None
    kept: bool = False


def _mostly_excluded() -> Organization:
    """94 of 110 resources are excluded; 5 of the other 16 are compliant."""
    organization = _organization(SHOP)
    _put(organization, SHOP, "us-east-1", "ecs:REGION:task", 0, 94)
    _put(organization, SHOP, "us-east-1", "ec2:REGION:vpc", 2, 8)
    _put(organization, SHOP, "eu-west-1", "ec2:REGION:vpc", 3, 3)
    return organization


def _with_duplicates() -> Organization:
    """A global resource in two regions, a region without resources, an account without a role."""
    organization = _organization(SHOP, LAB, VAULT)
    _put(organization, SHOP, "us-east-1", "ec2:REGION:vpc", 7, 5)
    for region in ("us-east-1", "eu-west-1"):
        organization[SHOP].put(region, f"arn:aws:cloudfront::{SHOP}:distribution/A", {})
    _put(organization, LAB, "eu-west-1", "sqs:REGION:queue", 1, 5)
    _put(organization, VAULT, "eu-west-1", "sqs:REGION:queue", 9, 0)
    return organization


def _all_excluded() -> Organization:
    """One account has only excluded resources."""
    organization = _organization(SHOP, VAULT)
    _put(organization, SHOP, "us-east-1", "ec2:REGION:vpc", 599, 1)
    _put(organization, VAULT, "us-east-1", "ecs:REGION:task", 3, 4)
    return organization


_REGIONS = ("us-east-1", "eu-west-1")
CASES = {
    "most resources are excluded and a region is kept": Case(
        _mostly_excluded,
        _REGIONS,
        3,
        (110, 94, 16, 5),
        lambda fake: fake.faults.add(Fault.ACCESS_DENIED, region="eu-west-1"),
        kept=True,
    ),
    "duplicates, an empty region and a failed account": Case(
        _with_duplicates,
        _REGIONS,
        3,
        (20, 0, 19, 8),
        lambda fake: fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=VAULT),
    ),
    "all resources of an account are excluded": Case(
        _all_excluded, _REGIONS, 0, (607, 7, 600, 599)
    ),
}


@pytest.fixture(params=[*CASES.values()], ids=[*CASES])
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture
def shown(case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> dict[str, Figures]:
    """The figures of every surface after the latest scan of the organization."""
    home = tmp_path / "dagster"
    become(isolated(os.environ, tmp_path) | {"DAGSTER_HOME": str(home)})
    organization = case.create()
    accounts = [
        {
            "account_id": a.account_id,
            "account_name": _NAMES[a.account_id],
            "regions": [*case.regions],
        }
        for a in organization
    ]
    config = write_config(
        tmp_path,
        accounts,
        REQUIRED_TAGS=["Owner"],
        excluded_resource_types=["ecs:task"],
        on_failure="keep_last" if case.kept else "drop",
        minimum_account_compliance=100,
        calls_per_second=0.0,
    )
    with FakeAws(organization) as fake:
        enter(fake)
        if case.kept:
            assert main(["scan", "--config", str(config)]) == 0
        if case.fail:
            case.fail(fake)
        capfd.readouterr()
        assert main(["scan", "--config", str(config)]) == case.exit_code
    printed = capfd.readouterr()
    found = {
        "metrics": surfaces.of_metrics(printed.out),
        "summary": surfaces.of_summary(printed.err),
    }
    return found | _of_exporter(tmp_path / "state") | _of_dagster(config, home)


def _of_exporter(storage: Path) -> dict[str, Figures]:
    with run_in_thread(storage) as exporter:
        eventually(lambda: exporter.get("/ready").status == 200)
        html = exporter.get("/", Accept="text/html").text
        text = exporter.get("/", Accept="text/plain").text
    return {"html": surfaces.of_html_page(html), "text": surfaces.of_text_page(text)}


def _of_dagster(config_path: Path, home: Path) -> dict[str, Figures]:
    config = load_config(config_path, {}, dict.fromkeys(_REGIONS, "aws"))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        results, snapshot = (
            _metadata(instance, name) for name in ("compliance_results", "metric_snapshot")
        )
        partitions: Figures = {}
        for account in config.aws_account_matrix:
            metadata = _metadata(instance, "raw_resources", account.account_id)
            partitions |= surfaces.of_metadata(account.account_id, metadata)
        overall, by_account = (
            _check(instance, name)
            for name in ("compliance_above_minimum", "account_compliance_above_minimum")
        )
        definitions = build_definitions(config_path, config, os.environ)
        frame = definitions.load_asset_value(
            "compliance_results", python_type=pd.DataFrame, instance=instance
        )
    assert isinstance(frame, pd.DataFrame)
    ids = {name: account_id for account_id, name in _NAMES.items()}
    return {
        "partitions": partitions,
        "results": surfaces.of_metadata("all", results) | surfaces.of_accounts_table(results),
        "snapshot": surfaces.of_metadata("all", snapshot),
        "chart": surfaces.of_chart(str(snapshot["compliance_by_account"].value), ids),
        "check": surfaces.of_check(overall),
        "check by account": surfaces.of_check_by_account(by_account),
        "frame": surfaces.of_frame(frame),
    }


def _metadata(
    instance: dg.DagsterInstance, asset: str, partition: str | None = None
) -> dict[str, dg.MetadataValue]:
    chosen = dg.AssetRecordsFilter(dg.AssetKey(asset), [partition] if partition else None)
    [record] = instance.fetch_materializations(chosen, limit=1).records
    materialization = record.asset_materialization
    assert materialization is not None
    return dict(materialization.metadata)


def _check(instance: dg.DagsterInstance, name: str) -> dg.AssetCheckEvaluation:
    key = dg.AssetCheckKey(dg.AssetKey("compliance_results"), name)
    [record] = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    evaluation = record.event.dagster_event.event_specific_data
    assert isinstance(evaluation, dg.AssetCheckEvaluation)
    return evaluation


def test_every_surface_shows_the_same_numbers_and_they_add_up(
    case: Case, shown: dict[str, Figures]
) -> None:
    _check_coverage(case, shown)
    for (one, figures), (other, others) in itertools.combinations(shown.items(), 2):
        common = figures.keys() & others.keys()
        assert {key: figures[key] for key in common} == {key: others[key] for key in common}, (
            f"{one} and {other} differ"
        )
    merged: Figures = {}
    for figures in shown.values():
        merged |= figures
    assert tuple(merged["all", name] for name in _FOUR) == case.total
    for name in _FOUR:
        accounts = [v or 0 for (scope, n), v in merged.items() if n == name and scope.isdigit()]
        regions = [v or 0 for (scope, n), v in merged.items() if n == name and " " in scope]
        assert merged["all", name] == sum(accounts) == sum(regions)


def _check_coverage(case: Case, shown: dict[str, Figures]) -> None:
    """Fails if a surface does not show what it is for, so that there is something to compare."""
    for name in ("html", "text", "summary", "results", "snapshot"):
        assert {key for scope, key in shown[name] if scope == "all"} == {*_FOUR, "compliance"}
    counted = {scope for scope, name in shown["metrics"] if name == "counted"}
    assert counted
    for name in ("html", "text"):
        assert {scope for scope, _ in shown[name] if " " in scope} == counted
    everyone = {account.account_id for account in case.create()}
    for name in ("html", "summary", "results", "partitions"):
        assert {scope for scope, _ in shown[name] if scope.isdigit()} == everyone
    html = shown["html"]
    with_resources = {s for (s, n), v in html.items() if n == "counted" and s.isdigit() and v}
    assert {scope for scope, _ in shown["chart"]} == with_resources
    below = {s for (s, n), v in html.items() if n == "compliance" and s.isdigit() and v and v < 100}
    assert {scope for scope, _ in shown["check by account"]} == below
