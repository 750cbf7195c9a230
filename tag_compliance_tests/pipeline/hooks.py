"""The alert hook of a team: it only remembers the alerts."""

from __future__ import annotations

from tag_compliance.pipeline.alerts import Alert

alerts: list[Alert] = []


def remember(alert: Alert) -> None:
    alerts.append(alert)
