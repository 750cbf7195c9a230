"""The documentation and the program say the same."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest
import yaml

from tag_compliance.cli.dagster_home import FEW_EVENTS
from tag_compliance.cli.exit_code import ExitCode
from tag_compliance.cli.main import build_parser
from tag_compliance.config.model import KEYS, Account, AccountOverride, Config
from tag_compliance.domain.metrics import CONTRACT_METRICS, METRICS
from tag_compliance.domain.results import RESULT_SCHEMA
from tag_compliance.domain.scan import Reason
from tag_compliance.exporter.own_metrics import EXPORTER_METRICS
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.pipeline.checks import RESULT_CHECKS, SNAPSHOT_CHECKS
from tag_compliance.pipeline.runs import (
    ACCOUNT_TAG,
    FOLLOWS_TAG,
    ONE_AT_A_TIME,
    PART_TAG,
    PARTS_TAG,
    SCAN_TAG,
    TRIGGER_TAG,
)

ROOT = Path(__file__).parents[2]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of every table's rows, without the backquotes around a whole cell."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def first_cells(text: str) -> list[str]:
    return [row[0].strip("`") for row in rows(text)]


def commands() -> list[str]:
    (sub,) = (
        action
        for action in build_parser({})._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return list(sub.choices)


def test_every_metric_is_documented_with_its_labels() -> None:
    documented = {
        row[0].strip("`"): row[1] for row in rows(text_of("docs/metrics.md")) if len(row) > 2
    }
    documented.pop("metric")
    program = {metric.name: ", ".join(metric.labels) or "–" for metric in METRICS}
    own = {metric.name: ", ".join(metric.labels) or "–" for metric in EXPORTER_METRICS}
    assert documented == program | own


def test_the_contract_has_the_ten_names_of_the_specification() -> None:
    assert [metric.name for metric in CONTRACT_METRICS] == [
        "tag_compliant_total",
        "tag_non_compliant_total",
        "tag_missing_detail",
        "resources_scanned_total",
        "compliance_percentage",
        "tag_compliance_percentage",
        "tag_resource_type_compliance_percentage",
        "resources_fully_compliant_total",
        "resources_fully_compliant_by_type_total",
        "resources_fully_compliant_by_type_percentage",
    ]


def test_every_command_stands_in_the_readme_and_no_other() -> None:
    readme = text_of("README.md")
    documented = re.findall(r"^\| `tag-compliance ([a-z-]+)` \|", readme, re.MULTILINE)
    assert sorted(documented) == sorted(commands())


def test_every_key_of_the_configuration_is_documented_with_its_default() -> None:
    documented = {row[0].strip("`"): row[1] for row in rows(text_of("docs/configuration.md"))}
    assert set(KEYS) <= set(documented)
    for name, field in Config.model_fields.items():
        default = field.default
        if isinstance(default, int | float) and not isinstance(default, bool):
            assert documented[name] == f"{default:g}".replace("e+05", "00000"), name


@pytest.mark.parametrize("key", [*KEYS, *Account.model_fields, *AccountOverride.model_fields])
def test_the_example_shows_every_key(key: str) -> None:
    assert re.search(rf"\b{key}\b", text_of("config.yaml"))


def test_every_reason_has_its_row_in_the_operations_guide() -> None:
    assert {reason.value for reason in Reason} <= set(first_cells(text_of("docs/operations.md")))
    for reason in Reason:
        assert f"`{reason}`" in text_of("docs/metrics.md")


def test_every_alert_has_its_runbook() -> None:
    rules = yaml.safe_load(text_of("monitoring/alerts.yaml"))
    alerts = {r["alert"] for group in rules["groups"] for r in group["rules"] if "alert" in r}
    headings = set(re.findall(r"^### (\w+)$", text_of("docs/operations.md"), re.MULTILINE))
    assert alerts == headings


def test_the_exit_codes_are_those_of_the_documentation() -> None:
    documented = {row[0] for row in rows(text_of("docs/operations.md")) if row[0].isdigit()}
    assert documented == {str(int(code)) for code in ExitCode}


def test_what_is_in_dagsters_ui_is_documented_and_nothing_else() -> None:
    definitions = build_definitions(ROOT / "config.yaml", None)
    automatic = {d.name for d in [*(definitions.schedules or ()), *(definitions.sensors or ())]}
    checks = {spec.name for spec in (*RESULT_CHECKS, *SNAPSHOT_CHECKS)}
    tags = {ACCOUNT_TAG, FOLLOWS_TAG, PART_TAG, PARTS_TAG, SCAN_TAG, TRIGGER_TAG, *ONE_AT_A_TIME}
    cells = " ".join(first_cells(text_of("docs/dagster.md")))
    documented = set(re.findall(r"[\w/]+", cells)) - {"tag", "check", "name", "variable"}
    assert documented == automatic | checks | tags | set(FEW_EVENTS)


def test_the_columns_of_the_results_are_documented() -> None:
    names = set(
        re.findall(r"`(\w+)`", " ".join(r[0] for r in rows(text_of("docs/architecture.md"))))
    )
    assert set(RESULT_SCHEMA.names) <= names


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "k8s/README.md"])
def test_links_to_files_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text_of(name)):
        assert ((ROOT / name).parent / target).exists(), target


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_links_between_the_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
