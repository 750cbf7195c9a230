"""What is generated, by path; a test holds the files to it."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import indent

from monitoring.generator import account, organization, tag_owner

FOLDER = Path(__file__).resolve().parents[1]
_RULE = FOLDER.parent / "k8s/components/servicemonitor/prometheusrule.yaml"

_RULE_HEAD = """\
# Of monitoring/alerts.yaml, by `python -m monitoring.generator`: for the Prometheus operator.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: tag-compliance
  labels:
    app.kubernetes.io/name: tag-compliance
spec:
"""


def generated_files() -> dict[Path, str]:
    """Each path with the text that belongs there."""
    dashboards = {
        "organization": organization.dashboard(),
        "account": account.dashboard(),
        "tag-owner": tag_owner.dashboard(),
    }
    return {
        _RULE: _rule(FOLDER / "alerts.yaml"),
        **{
            FOLDER / "dashboards" / f"{name}.json": json.dumps(shape, indent=2) + "\n"
            for name, shape in dashboards.items()
        },
    }


def _rule(alerts: Path) -> str:
    """The groups as they stand, comments included, two columns to the right."""
    return _RULE_HEAD + indent(alerts.read_text(encoding="utf-8"), "  ")
