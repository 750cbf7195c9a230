"""Which findings a report, a page or a response of the API contains.

Only the standard library is used here: the exporter turns the same filter into SQL.
"""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.domain.report_row import ReportRow

ALL_STATES = "all"
NO_OWNER = "(none)"
"""Instead of an owner: the findings of resources without an owner."""


def type_pattern(text: str) -> str:
    """The glob of a type filter, in lower case: a bare word matches anywhere in `service:type`.

    These are the rules of `excluded_resource_types` for patterns without `/`.
    """
    text = text.lower()
    return text if ":" in text or "*" in text else f"*{text}*"


def matches_glob(pattern: str, text: str) -> bool:
    """`*` matches any characters; everything else is literal. Linear, whatever the pattern is."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    *middle, last = rest
    place, end = len(first), len(text) - len(last)
    if place > end or not (text.startswith(first) and text.endswith(last)):
        return False
    for part in middle:
        place = text.find(part, place, end) + len(part)
        if place < len(part):
            return False
    return True


@dataclass(frozen=True)
class FindingFilter:
    """Findings that match one entry of each list that is not empty.

    `rules` and `types` are globs; `ous` are paths and cover everything below them; `tags` are pairs
    of a key and a value; `owners` are exact, `NO_OWNER` means none. `state` is `open`, `waived` or
    `all`.
    """

    account_ids: tuple[str, ...] = ()
    ous: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    owners: tuple[str, ...] = ()
    state: str = "open"

    def has_account(self, account_id: str, ou_path: str) -> bool:
        """Whether findings of the account can match."""
        if self.account_ids and account_id not in self.account_ids:
            return False
        return not self.ous or any(is_below(ou_path, ou) for ou in self.ous)

    def has_state(self, state: str) -> bool:
        return self.state in {ALL_STATES, state}

    def has_region(self, region: str) -> bool:
        return not self.regions or region in self.regions

    def has_severity(self, severity: str) -> bool:
        return not self.severities or severity in self.severities

    def has_rule(self, rule: str) -> bool:
        return not self.rules or any(matches_glob(glob, rule) for glob in self.rules)

    def has_type(self, resource_type: str) -> bool:
        text = resource_type.lower()
        return not self.types or any(matches_glob(type_pattern(t), text) for t in self.types)

    def matches(self, row: ReportRow) -> bool:
        return (
            self.has_state(row.state)
            and self.has_account(row.account_id, row.ou_path)
            and self.has_region(row.region)
            and self.has_type(row.resource_type)
            and self.has_rule(row.rule)
            and self.has_severity(row.severity)
            and (not self.owners or (row.owner or NO_OWNER) in self.owners)
            and (not self.tags or any(row.tags.get(key) == value for key, value in self.tags))
        )


def is_below(path: str, ou: str) -> bool:
    """Whether a path is that of the organizational unit or of one below it."""
    return path == ou or path.startswith(f"{ou}/")
