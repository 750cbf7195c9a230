"""The status page for terminals.

It stays code: column widths and control characters are simpler to handle here than in a template.
"""

from __future__ import annotations

from tag_compliance import __version__
from tag_compliance.domain.counts import Counts, format_percentage
from tag_compliance.exporter.formatting import format_count
from tag_compliance.exporter.status_page import StatusPage, is_read

_REGION_HEAD: tuple[str, ...] = (
    *("account", "id", "region", "state"),
    *("returned", "excluded", "duplicates", "counted", "compliant", "compliance", "last success"),
)


def render_text(page: StatusPage) -> str:
    """The page as plain text, in blocks separated by a blank line."""
    blocks = [
        [f"Tag compliance: {page.verdict}"],
        [f"! {text}" for text in (*page.health.reasons, *page.health.remarks)],
        _table([(f"{fact.name}:", fact.value, fact.note) for fact in page.facts()]),
        [page.coverage],
        _tags(page),
        _rules(page),
        _accounts(page),
        [*(f"{path:<10}{what}" for path, what in page.links), f"{'version':<10}{__version__}"],
    ]
    return "\n\n".join("\n".join(map(_printable, block)) for block in blocks if block) + "\n"


def _printable(text: str) -> str:
    """Replaces control characters: names and messages must not end a line or control a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def _tags(page: StatusPage) -> list[str]:
    rows = [
        (tag.tag, format_count(tag.missing), format_percentage(page.missing_share(tag)))
        for tag in page.tags()
    ]
    return ["Missing tags", *_table([("tag", "missing on", "of counted"), *rows])] if rows else []


def _rules(page: StatusPage) -> list[str]:
    rows = [
        (rule.rule, rule.severity, *map(format_count, (rule.violations, rule.waived)))
        for rule in page.rules()
    ]
    head = ("rule", "severity", "violations", "waived")
    return ["Rules with findings", *_table([head, *rows])] if rows else []


def _accounts(page: StatusPage) -> list[str]:
    if page.status is None:
        return []
    rows, messages = [_REGION_HEAD], list[str]()
    for account in page.accounts():
        id_ = account.account_id
        for region in account.regions:
            cells = (account.account_name, id_, region.region, region.reason)
            rows.append((*cells, *_numbers(region.counts), page.ago(region.last_success_at)))
            if region.message and not is_read(region):
                messages.append(f"! {id_} {region.region}: {region.message}")
    units: list[tuple[str, ...]] = [("account", "id", "OU path", "owner")]
    units += [
        (a.account_name, a.account_id, a.ou_path, a.owner)
        for a in page.accounts()
        if a.ou_path or a.owner
    ]
    if len(units) > 1:
        messages = [*messages, "", *_table(units)]
    note = page.accounts_note()
    return ["Accounts and regions", *_table(rows), *messages, *([note] if note else [])]


def _numbers(counts: Counts | None) -> tuple[str, ...]:
    """The numbers and the percentage; dashes for what is not known."""
    if counts is None:
        return (format_percentage(None),) * 6
    numbers = counts.numbers.values()
    return (*map(format_count, numbers), format_percentage(counts.compliance_percentage))


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
