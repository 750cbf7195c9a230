"""What a scan changed, as Markdown for the UI: what is new, what was fixed, who got worse.

At most five lines of each, because every byte of an event is stored twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tag_compliance.domain.history.changes import (
    SHOWN,
    AccountChange,
    ChangedFinding,
    most_serious,
)
from tag_compliance.domain.report_row import ConsoleLink, console_url
from tag_compliance.logs import on_one_line
from tag_compliance.pipeline.markdown import literally

_CHARACTERS = 80
_CHARACTERS_OF_A_LINK = 400


def changes_in_markdown(changes: Sequence[AccountChange], link: ConsoleLink | None = None) -> str:
    """Empty if nothing changed."""
    worse = sorted((c for c in changes if c.more_open > 0), key=lambda c: -c.more_open)[:SHOWN]
    lists = {
        "New": [*_findings([f for c in changes for f in c.new], link)],
        "Fixed": [*_findings([f for c in changes for f in c.fixed], link)],
        "More open findings than before": [
            f"{_text(f'{c.account_id} {c.account_name}')}: {c.open_before} → {c.open_after}"
            for c in worse
        ],
    }
    return "\n\n".join(
        "\n".join([f"**{title}**\n", *(f"* {line}" for line in lines)])
        for title, lines in lists.items()
        if lines
    )


def _findings(found: Sequence[ChangedFinding], link: ConsoleLink | None) -> Iterator[str]:
    for finding in most_serious(found):
        resource = finding.arn.split(":", 5)[-1]
        shown = _text(f"{finding.account_id} {resource}")
        url = console_url(finding.arn, finding.account_id, link)
        if url and len(url) <= _CHARACTERS_OF_A_LINK:
            shown = f"[{shown}]({url})"
        yield f"{finding.severity} {_text(finding.rule)}: {shown}"


def _text(text: str) -> str:
    """Text from outside, shortened."""
    line = on_one_line(text)
    return literally(line if len(line) <= _CHARACTERS else f"{line[:_CHARACTERS]}…")
