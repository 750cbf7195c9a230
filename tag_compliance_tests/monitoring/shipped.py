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


def load(name: str) -> Json:
    content: Json = yaml.safe_load((MONITORING / name).read_text(encoding="utf-8"))
    return content


DASHBOARDS: dict[str, Json] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((MONITORING / "dashboards").glob("*.json"))
}
RULES: list[Json] = [rule for group in load("alerts.yaml")["groups"] for rule in group["rules"]]
ALERTS: dict[str, Json] = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED: list[str] = [rule["record"] for rule in RULES if "record" in rule]

_KNOWN = {
    *(m.name + m.suffix for m in METRICS),
    *(m.name for m in EXPORTER_METRICS),
    *RECORDED,
    *("up", "ALERTS"),
}
_METRIC_LIKE = re.compile(
    r"\b(?:tag_|compliance_|resources_)[a-z_]+\b|\b[a-z]+(?::[a-z_]+)+\b|\bup\b"
)


def panels(dashboard: Json) -> list[Json]:
    """The panels of a dashboard that have a query, that is, all except the row titles."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def variables(dashboard: Json, kind: str = "query") -> list[Json]:
    """The variables of a dashboard of one kind, by default those with the values of a query."""
    return [variable for variable in dashboard["templating"]["list"] if variable["type"] == kind]


def unknown_metrics(expr: str) -> set[str]:
    """Metric names in the expression that nothing publishes: no program and no recording rule."""
    without_strings = re.sub(r'"[^"]*"', '""', expr)
    without_labels = re.sub(
        r"\b(?:by|on|without|group_left|ignoring) \([^)]*\)", "", without_strings
    )
    return set(_METRIC_LIKE.findall(without_labels)) - _KNOWN
