"""A chart of compliance by account: an image in Markdown, which the UI shows."""

from __future__ import annotations

import base64
from html import escape

from tag_compliance.domain.counts import Grade, format_percentage
from tag_compliance.logs import on_one_line
from tag_compliance.snapshot.status import AccountStatus, ScanStatus

_MOST, _ROW, _WIDTH, _NAMES = 15, 22, 460, 170
_COLORS = {Grade.GOOD: "#2e9e6b", Grade.FAIR: "#d9a521", Grade.POOR: "#cf4a3f"}
_EMPTY = "#e4e6ea"


def chart_of(status: ScanStatus) -> str:
    """Markdown with a bar for each account that has counted resources, the worst first."""
    shares = [
        (share, account)
        for account in status.accounts
        if (share := account.counts.compliance_percentage) is not None
    ]
    shares.sort(key=lambda pair: (pair[0], pair[1].account_name))
    bars = "".join(
        _bar(row, account, share, status.thresholds.grade(share))
        for row, (share, account) in enumerate(shares[:_MOST])
    )
    height = _ROW * min(len(shares), _MOST)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12">{bars}</svg>'
    )
    data = base64.b64encode(svg.encode()).decode()
    return f"![compliance by account](data:image/svg+xml;base64,{data})"


def _bar(row: int, account: AccountStatus, share: float, grade: Grade) -> str:
    top, room = row * _ROW + 3, _WIDTH - _NAMES - 60
    text = f'y="{top + 12}" fill="#6b7280"'
    return (
        f'<text x="0" {text}>{escape(on_one_line(account.account_name)[:24])}</text>'
        f'<rect x="{_NAMES}" y="{top}" width="{room}" height="16" rx="2" fill="{_EMPTY}"/>'
        f'<rect x="{_NAMES}" y="{top}" width="{room * share / 100:.0f}" height="16" rx="2" '
        f'fill="{_COLORS[grade]}"/><text x="{_NAMES + room + 8}" {text}>'
        f"{format_percentage(share)}</text>"
    )
