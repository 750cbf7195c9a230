"""The status page for terminals."""

from __future__ import annotations

from tag_compliance import __version__
from tag_compliance.exporter.page import LINKS, Page, chosen, share, succeeded, worst_tags
from tag_compliance.exporter.wording import count, percentage
from tag_compliance.snapshot.status import AccountStatus, RegionStatus, ScanStatus

_REGION_HEAD = ("account", "id", "region", "state", "resources", "compliant", "last success")


def render_text(page: Page) -> str:
    """The page as plain text, told in blocks with a blank line between."""
    blocks = [
        [f"Tag compliance: {page.verdict}"],
        [f"! {text}" for text in (*page.health.faults, *page.health.remarks)],
        _table([(f"{fact.name}:", fact.value, fact.note) for fact in page.facts()]),
    ]
    if page.status:
        blocks += [_violations(page.status), _accounts(page, page.status)]
    links = [f"{path:<10}{what}" for path, what in LINKS]
    blocks.append([*links, f"{'version':<10}{__version__}"])
    return "\n\n".join("\n".join(map(_inert, block)) for block in blocks if block) + "\n"


def _inert(text: str) -> str:
    """Names and messages come from outside: nothing in a line may steer a terminal or end it."""
    return "".join(char if char.isprintable() else " " for char in text)


def _violations(status: ScanStatus) -> list[str]:
    rows = [
        (tag.tag, count(tag.missing), percentage(share(tag.missing, status.resources)))
        for tag in worst_tags(status)
    ]
    return ["Missing tags", *_table([("tag", "missing on", "of all"), *rows])] if rows else []


def _accounts(page: Page, status: ScanStatus) -> list[str]:
    accounts, note = chosen(status.accounts)
    regions = [(account, region) for account in accounts for region in account.regions]
    rows = [_row(page, account, region) for account, region in regions]
    messages = [
        f"! {account.account_id} {region.region}: {region.message}"
        for account, region in regions
        if region.message and not succeeded(region)
    ]
    return [
        "Accounts and regions",
        *_table([_REGION_HEAD, *rows]),
        *messages,
        *([note] * bool(note)),
    ]


def _row(page: Page, account: AccountStatus, region: RegionStatus) -> tuple[str, ...]:
    return (
        account.account_name,
        account.account_id,
        region.region,
        region.reason,
        count(region.resources),
        percentage(region.compliance_percentage),
        page.ago(region.last_success_at),
    )


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
