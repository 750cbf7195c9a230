"""The dashboards: well-formed, as generated, and every query answered by a real Prometheus."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.generator.files import generated_files
from tag_compliance_tests.monitoring.conftest import Live
from tag_compliance_tests.monitoring.shipped import (
    DASHBOARDS,
    Json,
    dashboard,
    panels,
    unknown_metrics,
)

# What a variable may hold, in each dashboard: everything, or the one thing that is chosen.
_CHOICES = {
    "organization": {"job": ".*", "account": ".*", "region": ".*"},
    "account": {"job": "tag-compliance", "account": "222222222222", "region": "(us-east-1|eu-.*)"},
    "tag-owner": {"job": ".*", "account": ".*", "region": ".*", "tag": "Owner"},
}

# A Prometheus that has just been started knows nothing of yesterday.
_MAY_BE_EMPTY = {"Change within a day"}


def _targets() -> Iterator[object]:
    for name in DASHBOARDS:
        for panel in panels(dashboard(name)):
            for target in panel["targets"]:
                label = f"{name}-{panel['title']}-{target['refId']}"
                yield pytest.param(name, panel["title"], target, id=label)


def _variables() -> Iterator[object]:
    for name in DASHBOARDS:
        for variable in dashboard(name)["templating"]["list"]:
            if variable["type"] == "query":
                yield pytest.param(name, variable, id=f"{name}-{variable['name']}")


def _chosen(name: str, expr: str) -> str:
    filled = re.sub(r"\$\{?(\w+)\}?", lambda match: _CHOICES[name][match[1]], expr)
    assert "$" not in filled
    return filled


@pytest.mark.parametrize(("name", "title", "target"), [*_targets()])
def test_every_panels_query_is_answered_with_data(
    live: Live, name: str, title: str, target: Json
) -> None:
    expr = _chosen(name, target["expr"])
    if target["instant"]:
        found = live.prometheus.query(expr)
    else:
        now = time.time()
        found = live.prometheus.api(
            "query_range", query=expr, start=str(now - 60), end=str(now), step="15"
        )["result"]
    assert found or title in _MAY_BE_EMPTY
    for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
        assert all(label in series["metric"] for series in found)


@pytest.mark.parametrize(("name", "variable"), [*_variables()])
def test_every_variable_finds_its_choices(live: Live, name: str, variable: Json) -> None:
    query = _chosen(name, variable["query"]["query"])
    labels = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
    if labels:
        found = live.prometheus.api(f"label/{labels[2]}/values", **{"match[]": labels[1]})
        assert _CHOICES[name][variable["name"]] in {*found, ".*", "(us-east-1|eu-.*)"}
        assert found
        return
    result = re.fullmatch(r"query_result\((.+)\)", query)
    assert result
    pattern = variable["regex"].strip("/").replace("(?<", "(?P<")
    # As Grafana writes a series before it applies the pattern.
    written = [
        "{" + ", ".join(f'{k}="{v}"' for k, v in sorted(series["metric"].items())) + "}"
        for series in live.prometheus.query(result[1])
    ]
    choices = {m["value"]: m["text"] for text in written if (m := re.search(pattern, text))}
    assert choices["222222222222"] == "staging"
    assert len(choices) == len(written)


@pytest.mark.parametrize("path", [*generated_files()], ids=lambda path: path.name)
def test_the_files_are_what_the_generator_writes(path: Path) -> None:
    """`python -m monitoring.generator` writes them anew."""
    assert path.read_text(encoding="utf-8") == generated_files()[path]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_neither_overlap_nor_leave_the_grid(name: str) -> None:
    cells: Counter[tuple[int, int]] = Counter()
    for panel in dashboard(name)["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        columns, rows = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        cells.update((x, y) for x in columns for y in rows)
    assert max(cells.values()) == 1


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_panel_asks_the_chosen_data_source_for_metrics_that_exist(name: str) -> None:
    shape = dashboard(name)
    ids = [panel["id"] for panel in shape["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels(shape):
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            assert unknown_metrics(target["expr"]) == set()


def test_links_lead_to_dashboards_that_exist() -> None:
    shapes = [dashboard(name) for name in DASHBOARDS]
    linked = {uid for shape in shapes for uid in re.findall(r'"/d/([\w-]+)\?', json.dumps(shape))}
    assert linked
    assert linked <= {shape["uid"] for shape in shapes}
