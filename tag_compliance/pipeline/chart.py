"""A small chart of compliance by account, as an image that the UI shows in a Markdown cell."""

from __future__ import annotations

import base64
from html import escape

from tag_compliance.snapshot.status import AccountStatus, ScanStatus

_MOST, _ROW, _WIDTH, _NAMES = 15, 22, 460, 170
_GOOD, _FAIR, _POOR, _EMPTY = "#2e9e6b", "#d9a521", "#cf4a3f", "#e4e6ea"
_GOOD_FROM, _FAIR_FROM = 90.0, 60.0


def chart_of(status: ScanStatus) -> str:
    """Markdown with a bar for each account, the worst first; one with nothing counted has none."""
    shares = [(share, a) for a in status.accounts if (share := _share(a)) is not None]
    shares.sort(key=lambda pair: (pair[0], pair[1].account_name))
    bars = "".join(_bar(row, a, share) for row, (share, a) in enumerate(shares[:_MOST]))
    height = _ROW * min(len(shares), _MOST)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12">{bars}</svg>'
    )
    data = base64.b64encode(svg.encode()).decode()
    return f"![compliance by account](data:image/svg+xml;base64,{data})"


def _share(account: AccountStatus) -> float | None:
    """Weighted by what AWS returned for each region, which is near enough for a chart."""
    known = [
        (region.resources, region.compliance_percentage)
        for region in account.regions
        if region.compliance_percentage is not None and region.resources
    ]
    total = sum(resources for resources, _ in known)
    return sum(resources * share for resources, share in known) / total if total else None


def _bar(row: int, account: AccountStatus, share: float) -> str:
    colour = _GOOD if share >= _GOOD_FROM else _FAIR if share >= _FAIR_FROM else _POOR
    top, room = row * _ROW + 3, _WIDTH - _NAMES - 60
    text = f'y="{top + 12}" fill="#6b7280"'
    return (
        f'<text x="0" {text}>{escape(account.account_name[:24])}</text>'
        f'<rect x="{_NAMES}" y="{top}" width="{room}" height="16" rx="2" fill="{_EMPTY}"/>'
        f'<rect x="{_NAMES}" y="{top}" width="{room * share / 100:.0f}" height="16" rx="2" '
        f'fill="{colour}"/><text x="{_NAMES + room + 8}" {text}>{share:.1f} %</text>'
    )
