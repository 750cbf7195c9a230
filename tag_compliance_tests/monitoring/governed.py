"""The demo's organization with rules, waivers, every source and owners, in a real Prometheus."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from tag_compliance.simulator.demo.organization import demo_config, simulate_demo
from tag_compliance.simulator.organization import Account, ListedResources, SimulatedResource
from tag_compliance_tests.exporter.running import run_in_thread
from tag_compliance_tests.monitoring.shipped import MONITORING
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.prometheus import Prometheus, running_prometheus
from tag_compliance_tests.support.waiting import eventually

_ACCOUNT, _REGION = "222222222222", "eu-west-1"
_LOST_ACCOUNT = "333333333333"
_ARN = f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:new"
_COMPLETE = {"Owner": "web@example.com", "CostCenter": "1", "Project": "web"}
_BOTH = "count(tag_compliance_snapshot_timestamp_seconds) == 2"
# Both replicas must have been scraped since.
_OPENED, _FIXED = (
    f"count(sum by (instance) (increase({counter}[1h])) > 0) == 2"
    for counter in (
        'tag_compliance_findings_opened_total{kind="new_resource"}',
        "tag_compliance_time_to_fix_seconds_count",
    )
)


@contextlib.contextmanager
def running_governed(folder: Path) -> Iterator[Prometheus]:
    """After three scans: the second one finds a new resource, the third one finds it fixed and
    cannot read another account.
    """
    with contextlib.ExitStack() as stack:
        aws = stack.enter_context(simulate_demo())
        place = Place.create(folder)
        place.environment |= aws.environment()
        _write_settings(folder)
        _scan(place)
        exporter = stack.enter_context(run_in_thread(place.state))
        prometheus = stack.enter_context(running_prometheus(_scraping(folder, exporter.port)))
        eventually(lambda: prometheus.query(_BOTH))
        account = aws.organization[_ACCOUNT]
        account.put(_REGION, _ARN, {"email": "somebody@example.com"})
        _scan(place)
        eventually(lambda: prometheus.query(_OPENED))
        _replace(account, _COMPLETE)
        aws.organization[_LOST_ACCOUNT].roles = frozenset()
        _scan(place)
        eventually(lambda: prometheus.query(_FIXED))
        yield prometheus


def _scan(place: Place) -> None:
    """One account of the demo rejects the scanner, so the exit code is that of a partial scan."""
    ended = place.run("scan", "--output", "metrics.prom")
    assert ended.returncode == 3, ended.stderr


def _replace(account: Account, tags: Mapping[str, str]) -> None:
    """Gives the new resource other tags."""
    changed = ListedResources()
    for resource in account.resources(_REGION):
        changed.append(SimulatedResource(_ARN, tags) if resource.arn == _ARN else resource)
    account.regions[_REGION] = changed


def _write_settings(folder: Path) -> None:
    config = yaml.safe_load(demo_config(folder / "state")) | {
        "policy": "policy.yaml",
        "aws_account_matrix": [{"account_id": _ACCOUNT, "account_owner": "team"}],
        "owner_tags": ["Owner"],
        "more_sources": ["iam", "autoscaling"],
        "max_detail_series": 50,
    }
    today = datetime.now(UTC).date()
    policy = {
        "rules": [
            {"id": "no-personal-data", "tag": "email", "forbidden": True, "severity": "critical"},
            {"id": "project-given", "tag": "Project", "not_empty": True, "severity": "high"},
            {
                "id": "cost-center-number",
                "title": "A cost center is a number",
                "tag": "CostCenter",
                "pattern": "[0-9]+",
                "only": {"tags": {"Project": ["*"]}},
            },
        ],
        "waivers": [
            _waiver("soon", "required-tag-Owner", today + timedelta(days=7)),
            _waiver("over", "project-given", today - timedelta(days=1)),
            _waiver("later", "cost-center-number", today + timedelta(days=300)),
        ],
    }
    for name, content in (("config", config), ("policy", policy)):
        text = yaml.safe_dump(content, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def _waiver(waiver_id: str, rule: str, expires: object) -> dict[str, object]:
    return {
        "id": waiver_id,
        "rules": [rule],
        "match": {"accounts": [_ACCOUNT]},
        "reason": "accepted in a test",
        "owner": "team",
        "expires": expires,
    }


def _scraping(folder: Path, port: int) -> Path:
    """A configuration of Prometheus with the shipped rules. The exporter is scraped under two
    names, as if it had two replicas.
    """
    job = {
        "job_name": "tag-compliance",
        "honor_labels": True,
        "static_configs": [{"targets": [f"127.0.0.1:{port}", f"localhost:{port}"]}],
    }
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(MONITORING / "alerts.yaml")],
        "scrape_configs": [job],
    }
    path = folder / "prometheus.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path
