"""Grafana's JSON, as far as these dashboards need it.

https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

SCHEMA_VERSION = 39
"""Of Grafana 11.0; later ones migrate it when they load it."""

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24

# Red below the target that `alerts.yaml` has, green where hardly anything is missing.
SHARE_COLOURS = ((None, "red"), (80, "orange"), (95, "green"))
NONE_IS_GOOD = ((None, "green"), (1, "red"))
ALL_IS_GOOD = ((None, "red"), (1, "green"))
PLAIN = ((None, "text"),)

Steps = Sequence[tuple[float | None, str]]


@dataclass(frozen=True)
class Query:
    """A PromQL expression; a legend names its series in Grafana's words: `{{label}}`."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """A panel; `options` and `custom` are those of its kind, over the usual ones."""

    kind: str
    title: str
    queries: tuple[Query, ...]
    width: int
    height: int
    description: str = ""
    unit: str = "short"
    steps: Steps = PLAIN
    instant: bool = True
    table: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()


def stat(
    title: str, expr: str, *, unit: str = "short", steps: Steps = PLAIN, description: str = ""
) -> Panel:
    """One number, large."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "value",
    }
    return Panel(
        "stat", title, (Query(expr),), 4, 4, description, unit, steps, options=options,
        defaults={"color": {"mode": "thresholds"}},
    )  # fmt: skip


def trend(
    title: str, *queries: Query, unit: str = "short", width: int = 12, description: str = ""
) -> Panel:
    """Lines over time; shares from nothing to all."""
    bounds = {"min": 0, "max": 100} if unit == "percent" else {"min": 0}
    return Panel(
        "timeseries", title, queries, width, 9, description, unit, instant=False,
        options={
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        custom={"drawStyle": "line", "lineWidth": 2, "fillOpacity": 5, "spanNulls": 900_000},
        defaults={"color": {"mode": "palette-classic"}, **bounds},
    )  # fmt: skip


def bars(  # noqa: PLR0913 - what a panel of bars is made of
    title: str, query: Query, *, unit: str = "short", steps: Steps = PLAIN, width: int = 8,
    description: str = "",
) -> Panel:  # fmt: skip
    """A bar for each series, in the order of the query."""
    bounds = {"min": 0, "max": 100} if unit == "percent" else {"min": 0}
    return Panel(
        "bargauge", title, (query,), width, 9, description, unit, steps,
        options={
            "orientation": "horizontal",
            "displayMode": "basic",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
        defaults={"color": {"mode": "thresholds"}, **bounds},
    )  # fmt: skip


def table(  # noqa: PLR0913 - what a table is made of
    title: str,
    expr: str,
    value: str,
    columns: Mapping[str, str],
    *,
    unit: str = "short",
    steps: Steps = PLAIN,
    width: int = 12,
    height: int = 10,
    descending: bool = True,
    description: str = "",
    links: Mapping[str, str] | None = None,
    hide_value: bool = False,
) -> Panel:
    """A row for each series: its labels, renamed and in the order of `columns`, then its value."""
    shown = list(columns)
    organize = {
        "excludeByName": {"Time": True, **({"Value": True} if hide_value else {})},
        "indexByName": {name: index for index, name in enumerate([*shown, "Value"])},
        "renameByName": {**columns, "Value": value},
    }
    coloured = {
        "matcher": {"id": "byName", "options": value},
        "properties": [{"id": "custom.cellOptions", "value": {"type": "color-text"}}],
    }
    linked = [
        {
            "matcher": {"id": "byName", "options": columns[label]},
            "properties": [{"id": "links", "value": [{"title": "Open", "url": url}]}],
        }
        for label, url in (links or {}).items()
    ]
    sort = columns[shown[0]] if hide_value else value
    return Panel(
        "table", title, (Query(expr),), width, height, description, unit, steps, table=True,
        options={"showHeader": True, "sortBy": [{"displayName": sort, "desc": descending}]},
        custom={"align": "auto", "filterable": True},
        defaults={"color": {"mode": "thresholds"}},
        overrides=(coloured, *linked),
        transformations=({"id": "organize", "options": organize},),
    )  # fmt: skip


def query_variable(
    name: str, label: str, query: str, *, several: bool = True, regex: str = ""
) -> Json:
    """Choices that a query finds; `several` also offers all of them, and starts so."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": f"variable-{name}"},
        "regex": regex,
        "refresh": 2,  # when the time range changes
        "sort": 1,  # by the alphabet
        "multi": several,
        "includeAll": several,
        **(
            {"allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}} if several else {}
        ),
    }


_DATASOURCE_VARIABLE: Json = {
    "name": "datasource",
    "label": "Data source",
    "type": "datasource",
    "query": "prometheus",
    "refresh": 1,
}

JOB = query_variable("job", "Job", "label_values(tag_compliance_snapshot_timestamp_seconds, job)")
REGION = query_variable(
    "region",
    "Region",
    'label_values(tag_compliance_region_scan_success{job=~"$job",account_id=~"$account"}, region)',
)


def account_variable(*, several: bool) -> Json:
    """Accounts by name; the value is the id, since two may have one name."""
    return query_variable(
        "account",
        "Account",
        "query_result(max by (account_id, account_name) "
        '(tag_compliance_account_scan_success{job=~"$job"}))',
        several=several,
        regex='/account_id="(?<value>[^"]+)".*account_name="(?<text>[^"]+)"/',
    )


def dashboard(
    uid: str,
    title: str,
    description: str,
    variables: Sequence[Json],
    rows: Mapping[str, Sequence[Panel]],
) -> Json:
    """The whole; panels flow from left to right under the title of their row."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["tag-compliance"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "5m",
        "time": {"from": "now-7d", "to": "now"},
        "timezone": "browser",
        "links": [
            {
                "title": "Tag compliance",
                "type": "dashboards",
                "tags": ["tag-compliance"],
                "asDropdown": True,
                "includeVars": False,
                "keepTime": True,
            }
        ],
        "annotations": {"list": []},
        "templating": {"list": [_DATASOURCE_VARIABLE, *variables]},
        "panels": _laid_out(rows),
    }


def _laid_out(rows: Mapping[str, Sequence[Panel]]) -> list[Json]:
    laid: list[Json] = []
    y = 0
    for title, panels in rows.items():
        laid.append(
            {
                "id": len(laid) + 1,
                "type": "row",
                "title": title,
                "collapsed": False,
                "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
                "panels": [],
            }
        )
        y, x, tallest = y + 1, 0, 0
        for panel in panels:
            if x + panel.width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            at = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            laid.append({"id": len(laid) + 1, "gridPos": at, **_shape(panel)})
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    return laid


def _shape(panel: Panel) -> Json:
    steps = [{"value": value, "color": colour} for value, colour in panel.steps]
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "targets": [_target(panel, query, i) for i, query in enumerate(panel.queries)],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": dict(panel.custom),
                **panel.defaults,
            },
            "overrides": list(panel.overrides),
        },
        "options": dict(panel.options),
        "transformations": list(panel.transformations),
    }


def _target(panel: Panel, query: Query, index: int) -> Json:
    return {
        "refId": chr(ord("A") + index),
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": panel.instant,
        "range": not panel.instant,
        "format": "table" if panel.table else "time_series",
    }
