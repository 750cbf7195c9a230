"""The files of `monitoring/`, as data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tag_compliance.domain.metrics import METRICS
from tag_compliance.exporter.own_metrics import EXPORTER_METRICS
from tag_compliance_tests.monitoring.running import MONITORING

Json = dict[str, Any]

DASHBOARDS = ("organization", "account", "tag-owner")

# Of Prometheus and of the node-exporter's kind; everything else must be this program's.
_FOREIGN = {"up", "ALERTS"}
_METRIC_LIKE = re.compile(
    r"\b(?:tag_|compliance_|resources_)[a-z_]+\b|\b[a-z]+(?::[a-z_]+)+\b|\bup\b"
)


def load(name: str) -> Json:
    shape: Json = yaml.safe_load((MONITORING / name).read_text(encoding="utf-8"))
    return shape


def dashboard(name: str) -> Json:
    shape: Json = json.loads((MONITORING / "dashboards" / f"{name}.json").read_text("utf-8"))
    return shape


def rules() -> list[Json]:
    return [rule for group in load("alerts.yaml")["groups"] for rule in group["rules"]]


def alerts() -> dict[str, Json]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> list[str]:
    return [rule["record"] for rule in rules() if "record" in rule]


def panels(shape: Json) -> Iterator[Json]:
    yield from (panel for panel in shape["panels"] if panel["type"] != "row")


def unknown_metrics(expr: str) -> set[str]:
    """Names in the expression that neither the program nor a recording rule gives."""
    without_strings = re.sub(r'"[^"]*"', '""', expr)
    without_labels = re.sub(
        r"\b(?:by|on|without|group_left|ignoring) \([^)]*\)", "", without_strings
    )
    known = {m.name for m in METRICS} | {m.name for m in EXPORTER_METRICS} | set(recorded())
    return set(_METRIC_LIKE.findall(without_labels)) - known - _FOREIGN - {"resource_type"}
