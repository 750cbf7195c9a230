"""Numbers and times, as a person reads them."""

from __future__ import annotations

from datetime import datetime, timedelta

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def duration(span: timedelta) -> str:
    """In its two largest units: `3 d 4 h`, `12 min 5 s`, `0 s`."""
    left = max(int(span.total_seconds()), 0)
    parts: list[str] = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def count(number: int) -> str:
    """With thin groups: `12 345`."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def percentage(value: float | None) -> str:
    """Rounded down, so that only all of it is 100 %; a dash where there is nothing to count."""
    if value is None:
        return "\N{EN DASH}"
    return f"{int(value * 10) / 10:.1f}\N{NARROW NO-BREAK SPACE}%"
