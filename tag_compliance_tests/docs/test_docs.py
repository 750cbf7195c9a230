"""The documentation matches the program."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml

from tag_compliance.cli.dagster_home import EVENT_VARIABLES
from tag_compliance.cli.declaration import ExitCode
from tag_compliance.cli.report_options import Filters
from tag_compliance.config.descriptions import DESCRIPTIONS
from tag_compliance.config.model import KEYS, Config
from tag_compliance.domain.metrics import METRICS
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.report_row import COLUMNS
from tag_compliance.domain.result_table import RESULT_SCHEMA
from tag_compliance.exporter.self_metrics import EXPORTER_METRICS
from tag_compliance.pipeline import run_tags
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.pipeline.checks import RESULT_CHECKS, SNAPSHOT_CHECKS
from tag_compliance.reports.formats import ReportFormat
from tag_compliance_tests.cli.commands import COMMANDS, options

ROOT = Path(__file__).parents[2]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every table."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def first_cells(text: str) -> list[str]:
    return [row[0].strip("`") for row in rows(text)]


def test_every_metric_is_documented_with_its_labels() -> None:
    table = [row for row in rows(text_of("docs/metrics.md")) if len(row) > 2]
    documented = {row[0].strip("`"): row[1] for row in table if row[0] != "metric"}
    metrics = (*METRICS, *EXPORTER_METRICS)
    assert documented == {metric.name: ", ".join(metric.labels) or "–" for metric in metrics}


def test_the_readme_lists_exactly_the_commands_of_the_program() -> None:
    readme = text_of("README.md")
    documented = re.findall(r"^\| `tag-compliance ([a-z-]+)(?: ARN)?` \|", readme, re.MULTILINE)
    assert sorted(documented) == sorted(COMMANDS)


DOCUMENTS = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]


def _command_in(words: list[str]) -> str:
    """`scan`, or `policy check` of a group of commands."""
    is_group = isinstance(COMMANDS.get(words[0]), click.Group)
    return " ".join(words[: 2 if is_group else 1])


def test_every_documented_command_line_uses_flags_that_the_command_has() -> None:
    lines = [
        line
        for path in DOCUMENTS
        for line in re.findall(r"tag-compliance [a-z-]+(?: [^`#\n]*)?", path.read_text("utf-8"))
    ]
    used = [(_command_in(line.split()[1:]), re.findall(r"--[a-z-]+", line)) for line in lines]
    assert any(flags for _, flags in used)
    for command, flags in used:
        is_known = command.split()[0] in COMMANDS
        known = {option.opts[0] for option in options(command)} if is_known else set()
        assert set(flags) <= known, command


def test_every_key_of_the_configuration_is_documented_with_its_default() -> None:
    documented = {row[0].strip("`"): row[1] for row in rows(text_of("docs/configuration.md"))}
    assert set(KEYS) <= set(documented)
    for name, field in Config.model_fields.items():
        default = field.default
        if isinstance(default, int | float) and not isinstance(default, bool):
            assert documented[name] == f"{default:g}".replace("e+05", "00000"), name


def test_the_descriptions_in_the_schema_are_those_of_the_documentation() -> None:
    link = re.compile(r", see \[(?:below|findings|API)\]\([^)]*\)|\[([^]]*)\]\([^)]*\)")
    documented = {
        row[0].strip("`"): link.sub(r"\1", row[2]).replace("`", "")
        for row in rows(text_of("docs/configuration.md"))
        if row[0].strip("`") in KEYS
    }
    described = {key: text for key, text in DESCRIPTIONS.items() if "." not in key}
    assert described == documented


def test_every_failure_reason_is_documented() -> None:
    assert {reason.value for reason in Reason} <= set(first_cells(text_of("docs/operations.md")))
    for reason in Reason:
        assert f"`{reason}`" in text_of("docs/metrics.md")


def test_the_runbook_has_exactly_one_heading_per_alert() -> None:
    rules = yaml.safe_load(text_of("monitoring/alerts.yaml"))
    alerts = {r["alert"] for group in rules["groups"] for r in group["rules"] if "alert" in r}
    headings = re.findall(r"^### (\w+)$", text_of("docs/operations.md"), re.MULTILINE)
    assert sorted(alerts) == sorted(headings)


def test_the_documentation_lists_exactly_the_exit_codes() -> None:
    documented = {row[0] for row in rows(text_of("docs/operations.md")) if row[0].isdigit()}
    assert documented == {str(int(code)) for code in ExitCode}


def test_the_documentation_lists_exactly_what_the_dagster_ui_shows() -> None:
    definitions = build_definitions(ROOT / "config.yaml", None, {})
    automatic = {d.name for d in [*(definitions.schedules or ()), *(definitions.sensors or ())]}
    checks = {spec.name for spec in (*RESULT_CHECKS, *SNAPSHOT_CHECKS)}
    tags = {value for name, value in vars(run_tags).items() if name.endswith("_TAG")}
    cells = " ".join(first_cells(text_of("docs/dagster.md")))
    documented = set(re.findall(r"[\w/]+", cells)) - {"tag", "check", "name", "variable"}
    assert documented == automatic | checks | tags | {*run_tags.ONE_AT_A_TIME} | set(
        EVENT_VARIABLES
    )


def test_every_column_of_the_results_is_documented() -> None:
    cells = " ".join(row[0] for row in rows(text_of("docs/architecture.md")))
    assert set(RESULT_SCHEMA.names) <= set(re.findall(r"`(\w+)`", cells))


def test_every_column_of_a_report_is_documented_in_order() -> None:
    section = text_of("docs/findings.md").partition("### Columns")[2].partition("\n### ")[0]
    cells = " ".join(row[0] for row in rows(section))
    assert tuple(re.findall(r"`(\w+)`", cells)) == COLUMNS


def test_every_filter_and_format_of_a_report_is_documented() -> None:
    cells = set(first_cells(text_of("docs/findings.md")))
    assert {f"--{name}" for name in Filters.__dataclass_fields__} <= {c.split()[0] for c in cells}
    assert {f.value for f in ReportFormat} <= {c.partition("`")[0] for c in cells}


_PACKAGES = "cli config domain aws reports tables snapshot remote storage pipeline exporter"


@pytest.mark.parametrize("package", _PACKAGES.split())
def test_the_architecture_names_every_module_of_a_package_exactly_once(package: str) -> None:
    folder = ROOT / "tag_compliance"
    modules = sorted(
        path.relative_to(folder).with_suffix("").as_posix()
        for path in (folder / package).rglob("*.py")
        if path.stem != "__init__"
    )
    section = text_of("docs/architecture.md").partition("### One noun per file")[2]
    documented = sorted(
        row[0].strip("`") + name
        for row in rows(section.partition("\n## ")[0])
        if row[0].startswith(f"`{package}/")
        for name in re.findall(r"`([^`]+)`", row[-1])
    )
    assert documented == modules


def test_no_page_has_markers_of_a_merge() -> None:
    markers = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    assert [path.name for path in pages if markers.search(path.read_text("utf-8"))] == []


_DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("[a-z]*/**/*.md"))


@pytest.mark.parametrize("path", _DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_every_test_that_the_security_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", text_of("docs/security.md")))
    files = (ROOT / "tag_compliance_tests").rglob("test_*.py")
    existing = {
        n for f in files for n in re.findall(r"^def (test_\w+)", f.read_text("utf-8"), re.MULTILINE)
    }
    assert len(named) > 20
    assert named <= existing
