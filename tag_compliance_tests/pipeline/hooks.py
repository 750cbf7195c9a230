"""What a team's own alert hook would be: it only remembers."""

from __future__ import annotations

from tag_compliance.pipeline.alerts import Alert

told: list[Alert] = []


def remember(alert: Alert) -> None:
    told.append(alert)
