"""The dashboards: consistent, and a real Prometheus returns data of scans for every query."""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from tag_compliance.config.model import ThresholdSettings
from tag_compliance_tests.monitoring.shipped import (
    DASHBOARDS,
    Json,
    panels,
    unknown_metrics,
    variables,
)
from tag_compliance_tests.support.prometheus import Prometheus

_GRID_WIDTH = 24

# The value of each variable: a regular expression, except where one value is selected.
_VALUES = {
    "organization": {"job": ".*", "account": ".*", "region": ".*"},
    "account": {"job": "tag-compliance", "account": "222222222222", "region": "(us-east-1|eu-.*)"},
    "tag-owner": {"job": ".*", "account": ".*", "region": ".*", "tag": "Owner"},
    "rules": {"job": ".*", "account": ".*", "region": ".*", "severity": ".*", "rule": ".*"},
    "coverage": {"job": ".*", "account": ".*", "region": ".*", "source": ".*"},
    "improvement": {"job": ".*", "account": ".*", "severity": ".*", "rule": ".*"},
    "owners": {"job": ".*", "owner": ".*"},
}

# A Prometheus that was just started has no samples of yesterday or of last week.
_MAY_BE_EMPTY = {
    "Change in one day",
    "Accounts that got worse this week",
    "Accounts that improved this week",
}

# The metrics about rules, waivers and history that have a series for each of something.
_LIMITED = re.compile(
    r"tag_compliance_(rule_[a-z]+_resources|rule_violations|policy|waiver_|open_findings|oldest|"
    r"findings_(opened|closed))|account:open_findings"
)

_EACH = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)

_TARGETS = {
    f"{name}-{panel['title']}-{target['refId']}": (name, panel["title"], target)
    for name, dashboard in DASHBOARDS.items()
    for panel in panels(dashboard)
    for target in panel["targets"]
}
_VARIABLES = {
    f"{name}-{variable['name']}": (name, variable)
    for name, dashboard in DASHBOARDS.items()
    for variable in variables(dashboard)
}


def _with_values(name: str, expr: str) -> str:
    filled = re.sub(r"\$\{?(\w+)\}?", lambda match: _VALUES[name][match[1]], expr)
    assert "$" not in filled
    return filled


def test_the_uids_of_dashboards_and_the_ids_of_their_panels_are_unique() -> None:
    uids = [dashboard["uid"] for dashboard in DASHBOARDS.values()]
    assert len(uids) == len(set(uids)) > 1
    for dashboard in DASHBOARDS.values():
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))


@_EACH
def test_panels_are_inside_the_grid_and_do_not_overlap(dashboard: Json) -> None:
    cells: Counter[tuple[int, int]] = Counter()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= _GRID_WIDTH
        columns, rows = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        cells.update((x, y) for x in columns for y in rows)
    assert max(cells.values()) == 1


@_EACH
def test_every_panel_has_a_title_and_a_unit(dashboard: Json) -> None:
    assert all(panel["title"] for panel in dashboard["panels"])
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in panels(dashboard))


@_EACH
def test_every_query_uses_the_data_source_that_the_reader_selects(dashboard: Json) -> None:
    selected = {"type": "prometheus", "uid": "${datasource}"}
    assert [v["name"] for v in variables(dashboard, "datasource")] == ["datasource"]
    asking = [*panels(dashboard), *variables(dashboard)]
    assert all(item["datasource"] == selected for item in asking)
    assert not any("datasource" in t for panel in panels(dashboard) for t in panel["targets"])


@_EACH
def test_every_panel_with_a_metric_that_max_rule_series_limits_says_so(dashboard: Json) -> None:
    for panel in panels(dashboard):
        queries = " ".join(target["expr"] for target in panel["targets"])
        if _LIMITED.search(queries):
            assert "max_rule_series" in panel.get("description", ""), panel["title"]


@_EACH
def test_every_query_uses_metrics_that_exist(dashboard: Json) -> None:
    queries = [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]
    queries += [variable["query"] for variable in variables(dashboard)]
    assert {query: unknown_metrics(query) for query in queries if unknown_metrics(query)} == {}


def test_percentages_are_coloured_by_the_default_thresholds_of_the_configuration() -> None:
    """Grafana cannot read two thresholds from a metric."""
    default = ThresholdSettings()
    fields = [field for dashboard in DASHBOARDS.values() for field in _fields(dashboard)]
    steps = [
        [(step["value"], step["color"]) for step in field["thresholds"]["steps"]]
        for field in fields
        if field.get("unit") == "percent" and "thresholds" in field
    ]
    expected = [(None, "red"), (default.poor, "orange"), (default.good, "green")]
    assert len(steps) > len(DASHBOARDS)
    assert steps == [expected] * len(steps)


def _fields(dashboard: Json) -> Iterator[Json]:
    """The properties of the fields of each panel, and those of the fields that differ."""
    for panel in panels(dashboard):
        yield panel["fieldConfig"]["defaults"]
        changed: dict[str, Json] = defaultdict(dict)
        for override in panel["fieldConfig"].get("overrides", []):
            for item in override["properties"]:
                changed[override["matcher"]["options"]][item["id"]] = item["value"]
        yield from changed.values()


def test_links_between_dashboards_name_a_dashboard_and_a_variable_that_exist() -> None:
    known = {(d["uid"], v["name"]) for d in DASHBOARDS.values() for v in variables(d)}
    text = json.dumps(list(DASHBOARDS.values()))
    links = re.findall(r'"/d/([\w-]+)\?var-(\w+)=', text)
    assert links
    assert len(links) == text.count('"/d/')
    assert set(links) <= known


@pytest.mark.slow
@pytest.mark.parametrize(("name", "title", "target"), _TARGETS.values(), ids=_TARGETS)
def test_every_panel_query_returns_data(
    governed: Prometheus, name: str, title: str, target: Json
) -> None:
    expr = _with_values(name, target["expr"])
    if target.get("instant"):
        found = governed.query(expr)
    else:
        now = time.time()
        found = governed.api(
            "query_range", query=expr, start=str(now - 60), end=str(now), step="15"
        )["result"]
    assert found or title in _MAY_BE_EMPTY
    for label in re.findall(r"{{(\w+)}}", target.get("legendFormat", "")):
        assert all(label in series["metric"] for series in found)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variable"), _VARIABLES.values(), ids=_VARIABLES)
def test_every_variable_finds_its_values(governed: Prometheus, name: str, variable: Json) -> None:
    query = _with_values(name, variable["query"])
    if labels := re.fullmatch(r"label_values\((.+), (\w+)\)", query):
        found = governed.api(f"label/{labels[2]}/values", **{"match[]": labels[1]})
    else:
        result = re.fullmatch(r"query_result\((.+)\)", query)
        assert result
        names = _values_and_texts(governed.query(result[1]), variable["regex"])
        assert names["222222222222"] == "staging"
        found = list(names)
    assert any(re.fullmatch(_VALUES[name][variable["name"]], value) for value in found)


def _values_and_texts(series: list[Json], regex: str) -> dict[str, str]:
    """The texts by value that Grafana shows: it applies the pattern to each series as text."""
    pattern = regex.strip("/").replace("(?<", "(?P<")
    written = [
        "{" + ", ".join(f'{k}="{v}"' for k, v in sorted(one["metric"].items())) + "}"
        for one in series
    ]
    found = {m["value"]: m["text"] for text in written if (m := re.search(pattern, text))}
    assert len(found) == len(series)
    return found
