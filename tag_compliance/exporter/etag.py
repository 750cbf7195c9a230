"""Conditional requests (RFC 9110, section 13.1.2)."""

from __future__ import annotations

from collections.abc import Iterable


def matches(if_none_match: Iterable[str], etag: str) -> bool:
    """Weak comparison of the values of If-None-Match with an entity tag."""
    asked = {tag.strip().removeprefix("W/") for line in if_none_match for tag in line.split(",")}
    return "*" in asked or etag.removeprefix("W/") in asked
