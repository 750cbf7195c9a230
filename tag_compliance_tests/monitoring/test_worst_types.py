"""The panels about types are right when the limit of the detail series leaves out most of them."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tag_compliance.domain.policy import Policy
from tag_compliance.snapshot.exposition import render
from tag_compliance_tests.domain.organizations import families_of, inventory_of
from tag_compliance_tests.monitoring.shipped import DASHBOARDS, panels
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.system import require

_REGIONS = ("eu-west-1", "us-east-1")
_TYPES = {"ec2:vpc": 7, "s3:bucket": 3, "sqs:queue": 2, "sns:topic": 1}
"""Type and number of resources in each region."""

_TAGS: list[dict[str, str]] = [{"Owner": "", "Env": ""}, {"Env": ""}, {}]
_POLICY = Policy(("Owner", "Env"))
_VARIABLES = {"$job": ".*", "$account": ".*", "$region": ".*", "$tag": "Owner"}


def _accounts() -> list[dict[str, Any]]:
    """Resources with all tags, with one and with none, in turn; nothing lacks a tag in SNS."""
    return [
        {
            "account_id": account_id,
            "account_name": f"name-{account_id[:3]}",
            "regions": [
                {"region": region, "read": True, "rows": _rows(region)} for region in _REGIONS
            ],
        }
        for account_id in ("1" * 12, "2" * 12)
    ]


def _rows(region: str) -> list[dict[str, Any]]:
    return [
        {
            "arn": f"arn:aws:{type_.replace(':', f':{region}:1:')}/{n}",
            "resource_type": type_,
            "tags": _TAGS[0] if type_ == "sns:topic" else _TAGS[n % len(_TAGS)],
        }
        for type_, number in _TYPES.items()
        for n in range(number)
    ]


def _counted(is_counted: Callable[[dict[str, str]], bool]) -> Counter[str]:
    """By type, the resources whose tags are counted; each type is a key."""
    found = Counter(dict.fromkeys(_TYPES, 0))
    for account in _accounts():
        for region in account["regions"]:
            for row in region["rows"]:
                found[row["resource_type"]] += is_counted(row["tags"])
    return found


_ALL = _counted(lambda _: True)
_LACKING = _counted(lambda tags: len(tags) < len(_POLICY.required_tags))
_WITHOUT_OWNER = _counted(lambda tags: "Owner" not in tags)
_SHARES = {type_: 100 * (_ALL[type_] - _LACKING[type_]) / _ALL[type_] for type_ in _TYPES}


@pytest.mark.parametrize(
    ("name", "title", "expected"),
    [
        ("organization", "Types with the most non-compliant resources", +_LACKING),
        ("organization", "Types with the lowest compliance", _SHARES),
        ("account", "Types", _SHARES),
        ("tag-owner", "Types", +_WITHOUT_OWNER),
    ],
)
def test_a_panel_about_types_counts_every_resource_once_whatever_the_detail_limit(
    name: str, title: str, expected: dict[str, float], tmp_path: Path
) -> None:
    exposition = Exposition(
        render(families_of(map(inventory_of, _accounts()), _POLICY, 3)).decode()
    )
    assert exposition.value("tag_compliance_series_omitted", family="tag_missing_detail") > 30
    [panel] = [panel for panel in panels(DASHBOARDS[name]) if panel["title"] == title]
    [target] = panel["targets"]
    expr = target["expr"]
    for variable, value in _VARIABLES.items():
        expr = expr.replace(variable, value)
    samples = [
        {"labels": f'{{resource_type="{type_}"}}', "value": value}
        for type_, value in expected.items()
    ]
    # Two replicas of the exporter have the same series.
    series = [
        {"series": line.replace("{", f'{{instance="{instance}",', 1), "values": value}
        for sample in exposition.samples
        if sample.labels
        for line, value in [sample.line.rsplit(" ", 1)]
        for instance in ("a", "b")
    ]
    tested = {"expr": expr, "eval_time": "0m", "exp_samples": samples}
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": [tested]}]
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump({"tests": tests}), encoding="utf-8")
    ended = subprocess.run(
        [require("promtool"), "test", "rules", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
