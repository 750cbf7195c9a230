"""The files of `monitoring/` as data."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tag_compliance.domain.metrics import METRICS
from tag_compliance.exporter.self_metrics import EXPORTER_METRICS

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "monitoring"

DASHBOARDS = sorted(path.stem for path in (MONITORING / "dashboards").glob("*.json"))

_METRICS_OF_PROMETHEUS = {"up", "ALERTS"}
_METRIC_LIKE = re.compile(
    r"\b(?:tag_|compliance_|resources_)[a-z_]+\b|\b[a-z]+(?::[a-z_]+)+\b|\bup\b"
)


def load(name: str) -> Json:
    shape: Json = yaml.safe_load((MONITORING / name).read_text(encoding="utf-8"))
    return shape


def dashboard(name: str) -> Json:
    shape: Json = json.loads((MONITORING / "dashboards" / f"{name}.json").read_text("utf-8"))
    return shape


def panels(shape: Json) -> list[Json]:
    """The panels of a dashboard that have a query, that is, all except the row titles."""
    return [panel for panel in shape["panels"] if panel["type"] != "row"]


def query_variables(shape: Json) -> list[Json]:
    """The variables of a dashboard whose values come from a query."""
    return [variable for variable in shape["templating"]["list"] if variable["type"] == "query"]


def rules() -> list[Json]:
    return [rule for group in load("alerts.yaml")["groups"] for rule in group["rules"]]


def alerts() -> dict[str, Json]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> list[str]:
    return [rule["record"] for rule in rules() if "record" in rule]


def unknown_metrics(expr: str) -> set[str]:
    """Metric names in the expression that neither the program nor a recording rule publishes."""
    without_strings = re.sub(r'"[^"]*"', '""', expr)
    without_labels = re.sub(
        r"\b(?:by|on|without|group_left|ignoring) \([^)]*\)", "", without_strings
    )
    known = {m.name for m in METRICS} | {m.name for m in EXPORTER_METRICS} | set(recorded())
    return set(_METRIC_LIKE.findall(without_labels)) - known - _METRICS_OF_PROMETHEUS
