"""All surfaces show the same numbers: of the scan, of each account and of each region."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from tag_compliance.cli.main import main
from tag_compliance.config import load_config
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.simulator.explorer_index import SimulatedIndex
from tag_compliance_tests.exporter.running import run_in_thread
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.pipeline.pipelines import shown_metadata
from tag_compliance_tests.support import surfaces
from tag_compliance_tests.support.aws import enter
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.environment import become, isolated
from tag_compliance_tests.support.surfaces import NUMBERS, Figures
from tag_compliance_tests.support.waiting import eventually

SHOP, LAB, VAULT = "111122223333", "222233334444", "333344445555"
_NAMES = {SHOP: "shop", LAB: "lab", VAULT: "vault"}
_US, _EU = _REGIONS = ("us-east-1", "eu-west-1")
_VPC, _TASK, _QUEUE = (
    f"arn:aws:{service}:REGION:ACCOUNT:{type_}"
    for service, type_ in (("ec2", "vpc"), ("ecs", "task"), ("sqs", "queue"))
)
_GLOBAL = "arn:aws:cloudfront::ACCOUNT:distribution"


def _never(account_id: str, region: str) -> str:
    return f"arn:aws:ec2:{region}:{account_id}:volume"


@dataclass(frozen=True)
class Case:
    """An organization, and where access is denied in the latest scan.

    `resources` are an account, a region, an ARN, and how many of it are compliant and how many not.
    In each region with an index, Resource Explorer returns `never_tagged_each` resources.
    """

    resources: tuple[tuple[str, str, str, int, int], ...]
    exit_code: int
    total: tuple[int, int, int, int, int]
    denied: Mapping[str, Any] | None = None
    kept: bool = False
    never_tagged: str = "off"
    never_tagged_each: int = 0
    indexed: tuple[str, ...] = ()

    @property
    def account_ids(self) -> list[str]:
        return list(dict.fromkeys(account_id for account_id, *_ in self.resources))

    def create(self) -> Organization:
        organization = Organization()
        for account_id in self.account_ids:
            organization.add_account(account_id)
        for account_id, region, arn, good, bad in self.resources:
            arn_ = arn.replace("REGION", region).replace("ACCOUNT", account_id)
            for number in range(good + bad):
                tags = {"Owner": "me"} if number < good else {}
                organization[account_id].put(region, f"{arn_}/{number}", tags)
        for account, region in itertools.product(organization, self.indexed):
            account.explorer[region] = SimulatedIndex()
            for number in range(self.never_tagged_each):
                account.put_never_tagged(region, f"{_never(account.account_id, region)}/{number}")
        return organization


CASES = {
    "most resources are excluded and a region is kept": Case(
        ((SHOP, _US, _TASK, 0, 94), (SHOP, _US, _VPC, 2, 8), (SHOP, _EU, _VPC, 3, 3)),
        3,
        (110, 94, 0, 16, 5),
        denied={"region": _EU},
        kept=True,
    ),
    "duplicates, an empty region and a failed account": Case(
        (
            *((SHOP, _US, _VPC, 7, 5), (SHOP, _US, _GLOBAL, 0, 1), (SHOP, _EU, _GLOBAL, 0, 1)),
            *((LAB, _EU, _QUEUE, 1, 5), (VAULT, _EU, _QUEUE, 9, 0)),
        ),
        3,
        (20, 0, 1, 19, 8),
        denied={"operation": "AssumeRole", "account_id": VAULT},
    ),
    "all resources of an account are excluded": Case(
        ((SHOP, _US, _VPC, 599, 1), (VAULT, _US, _TASK, 3, 4)), 0, (607, 7, 0, 600, 599)
    ),
    "never-tagged resources are reported, and one region has no index": Case(
        ((SHOP, _US, _VPC, 3, 1), (LAB, _EU, _QUEUE, 1, 5)),
        0,
        (10, 0, 0, 10, 4),
        never_tagged="report",
        never_tagged_each=1_000,
        indexed=(_US,),
    ),
    "never-tagged resources count": Case(
        ((SHOP, _US, _VPC, 3, 1), (LAB, _EU, _QUEUE, 1, 5)),
        0,
        (28, 0, 6, 22, 4),  # both sources return the six without tags
        never_tagged="count",
        never_tagged_each=3,
        indexed=_REGIONS,
    ),
    "never-tagged resources count, and the regions without an index were not read": Case(
        ((SHOP, _US, _VPC, 3, 1), (LAB, _US, _QUEUE, 1, 5), (LAB, _EU, _QUEUE, 9, 0)),
        3,
        (22, 0, 6, 16, 4),
        never_tagged="count",
        never_tagged_each=3,
        indexed=(_US,),
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
    accounts = [
        {"account_id": account_id, "account_name": _NAMES[account_id], "regions": [*_REGIONS]}
        for account_id in case.account_ids
    ]
    config = write_config(
        tmp_path,
        accounts,
        REQUIRED_TAGS=["Owner"],
        excluded_resource_types=["ecs:task"],
        on_failure="keep_last" if case.kept else "drop",
        minimum_account_compliance=100,
        never_tagged=case.never_tagged,
        calls_per_second=0.0,
    )
    with FakeAws(case.create()) as fake:
        enter(fake)
        if case.kept:
            assert main(["scan", "--config", str(config)]) == 0
        if case.denied:
            fake.faults.add(Fault.ACCESS_DENIED, **case.denied)
        capfd.readouterr()
        assert main(["scan", "--config", str(config)]) == case.exit_code
    printed = capfd.readouterr()
    found = {
        "metrics": surfaces.of_metrics(printed.out),
        "summary": surfaces.of_summary(printed.err),
    }
    return found | _of_exporter(tmp_path / "state") | _of_dagster(config, home)


def _pages(storage: Path) -> tuple[str, str]:
    """The status page for browsers and for terminals."""
    with run_in_thread(storage) as exporter:
        eventually(lambda: exporter.get("/ready").status == 200)
        html = exporter.get("/", Accept="text/html").text
        return html, exporter.get("/", Accept="text/plain").text


def _of_exporter(storage: Path) -> dict[str, Figures]:
    html, text = _pages(storage)
    return {"html": surfaces.of_html_page(html), "text": surfaces.of_text_page(text)}


def _of_dagster(config_path: Path, home: Path) -> dict[str, Figures]:
    config = load_config(config_path, {}, dict.fromkeys(_REGIONS, "aws"))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        results, snapshot = (
            shown_metadata(instance, name) for name in ("compliance_results", "metric_snapshot")
        )
        partitions: Figures = {}
        for account in config.aws_account_matrix:
            metadata = shown_metadata(instance, "raw_resources", account.account_id)
            partitions |= surfaces.of_partition(account.account_id, metadata)
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
    assert tuple(merged["all", name] for name in NUMBERS) == case.total
    for name in NUMBERS:
        accounts = [v or 0 for (scope, n), v in merged.items() if n == name and scope.isdigit()]
        regions = [v or 0 for (scope, n), v in merged.items() if n == name and " " in scope]
        assert merged["all", name] == sum(accounts) == sum(regions)
    returned, excluded, duplicates, counted, _ = case.total
    assert returned == excluded + duplicates + counted


def _check_coverage(case: Case, shown: dict[str, Figures]) -> None:
    """Fails if a surface does not show what it is for, so that there is something to compare."""
    coverage = {
        "off": set[str](),
        "report": {"never_tagged", "covered"},
        "count": {"covered"},
    }[case.never_tagged]
    for name in ("html", "text", "summary", "results"):
        wanted = {*NUMBERS, "compliance", *coverage}
        assert {key for scope, key in shown[name] if scope == "all"} == wanted
    assert {key for _, key in shown["check"]} == {"compliance", *coverage}
    assert {key for scope, key in shown["snapshot"] if scope == "all"} == {*NUMBERS, "compliance"}
    assert shown["metrics"].get(("all", "never_tagged"), 0) == case.never_tagged_each * len(
        case.indexed
    ) * len(case.account_ids)
    counted = {scope for scope, name in shown["metrics"] if name == "counted"}
    assert counted
    for name in ("html", "text"):
        assert {scope for scope, _ in shown[name] if " " in scope} == counted
    everyone = {*case.account_ids}
    for name in ("html", "summary", "results"):
        assert {scope for scope, _ in shown[name] if scope.isdigit()} == everyone
    unread = {str((case.denied or {}).get("account_id"))}
    assert {scope for scope, _ in shown["partitions"]} == everyone - unread
    html = shown["html"]
    with_resources = {s for (s, n), v in html.items() if n == "counted" and s.isdigit() and v}
    assert {scope for scope, _ in shown["chart"]} == with_resources
    below = {s for (s, n), v in html.items() if n == "compliance" and s.isdigit() and v and v < 100}
    assert {scope for scope, _ in shown["check by account"]} == below


def test_without_a_required_tag_no_surface_shows_compliance_with_required_tags(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "dagster"
    become(isolated(os.environ, tmp_path) | {"DAGSTER_HOME": str(home)})
    rule = {"id": "owner-absent", "tag": "Owner", "forbidden": True}
    (tmp_path / "rules.yaml").write_text(json.dumps({"rules": [rule]}))
    accounts = [{"account_id": SHOP, "account_name": "shop", "regions": [*_REGIONS]}]
    config = write_config(
        tmp_path,
        accounts,
        REQUIRED_TAGS=[],
        policy="rules.yaml",
        minimum_compliance=50,
        minimum_account_compliance=50,
        calls_per_second=0.0,
    )
    with FakeAws(CASES["all resources of an account are excluded"].create()) as fake:
        enter(fake)
        assert main(["scan", "--config", str(config), "--format", "summary"]) == 0
        summary = capfd.readouterr().out
        assert main(["scan", "--config", str(config), "--format", "json"]) == 0
        document = json.loads(capfd.readouterr().out)
    assert document["compliance_percentage"] is document["compliant"] is None
    html, text = _pages(tmp_path / "state")
    assert "0.1 % violate none of 1 rules" in summary
    assert "<dt>Policy</dt><dd>0.1 %</dd>" in html
    assert "No tag is required." in html
    for shown in (summary, html, text):
        assert not re.search(r"100\.0 %|Compliance\b.*%|\d compliant|every required", shown)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for asset, partition in (
            ("compliance_results", None),
            ("metric_snapshot", None),
            ("raw_resources", SHOP),
        ):
            found = shown_metadata(instance, asset, partition)
            assert not found.keys() & {"compliant", "compliance_percentage", "worst_types"}
            assert "compliance_by_account" not in found
        for check in ("compliance_above_minimum", "account_compliance_above_minimum"):
            evaluation = _check(instance, check)
            assert (evaluation.description or "").startswith("No tag is required: ")
            assert "compliance_percentage" not in evaluation.metadata
