"""Numbers and times, formatted for people."""

from __future__ import annotations

from datetime import datetime, timedelta

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def format_duration(span: timedelta) -> str:
    """In the two largest units: `3 d 4 h`, `12 min 5 s`, `0 s`."""
    left = max(int(span.total_seconds()), 0)
    parts: list[str] = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def format_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def format_count(number: int | None) -> str:
    """With a narrow space between groups of three digits: `12 345`; a dash if it is unknown."""
    if number is None:
        return "–"
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
