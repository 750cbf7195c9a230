"""The page of one resource: its tags, its findings, and the commands that would fix it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tag_compliance.domain.report_filter import NO_OWNER
from tag_compliance.domain.report_row import ReportRow
from tag_compliance.domain.rule_keys import RuleKeys
from tag_compliance.domain.tag_commands import Fix, fix_of
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.pages.address import Address
from tag_compliance.exporter.pages.frame import Frame

PATH = "/resources"
PARAMETERS = ("arn", "account")
_OWNER_SOURCES = {
    "account": "from the account (account_owner)",
    "organization": "from the account's tag in AWS Organizations",
    "none": "no owner is named",
}

_MEANINGS = {
    "missing": "the tag is missing",
    "wrong_key": "another spelling of the key is present",
    "empty": "the value is empty",
    "value_not_allowed": "the value is not one of those that are allowed",
    "value_forbidden": "the value is forbidden",
    "pattern_mismatch": "the value does not match the pattern",
    "too_short": "the value is too short",
    "too_long": "the value is too long",
    "forbidden_key": "the key is forbidden",
}


def resource_address(arn: str, account_id: str = "") -> Address:
    return Address(PATH, (("arn", arn),)).with_value("account", account_id)


@dataclass(frozen=True, slots=True)
class ResourceInAccount:
    """All findings of a resource in one account; `rules` are the keys of the rules, by id."""

    findings: Sequence[ReportRow]
    rules: Mapping[str, RuleKeys]

    @property
    def first(self) -> ReportRow:
        return self.findings[0]

    @property
    def owner(self) -> str:
        return self.first.owner or NO_OWNER

    @property
    def owner_origin(self) -> str:
        """Who names the owner."""
        source = self.first.owner_source
        return _OWNER_SOURCES.get(source, f"from the tag {source.removeprefix('tag:')}")

    @property
    def fix(self) -> Fix:
        """What would fix the open findings."""
        return fix_of([f for f in self.findings if f.state == "open"], self.rules)

    def misspelled(self, finding: ReportRow) -> list[str]:
        """The keys of the resource that are a wrong spelling."""
        rule = self.rules.get(finding.rule)
        return sorted(rule.misspelled(finding.tags)) if rule else []


@dataclass(frozen=True, slots=True)
class ResourcePage:
    """`accounts` are empty if the database does not have the resource, or if none is chosen.

    `titles` are those of the rules; `waivers` are the rows of that table, by id.
    """

    frame: Frame
    arn: str
    account_id: str
    accounts: Sequence[ResourceInAccount]
    titles: Mapping[str, str]
    waivers: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(
        cls, queries: FindingsQueries, frame: Frame, arn: str, account_id: str
    ) -> ResourcePage:
        """Raises what the queries raise."""
        rows = queries.resource(arn, account_id or None) if arn else []
        titles = {row["rule"]: row["title"] for row in queries.table("rules")}
        waivers = {row["waiver"]: row for row in queries.table("waivers")}
        return cls(frame, arn, account_id, [*_by_account(rows, queries.rule_keys)], titles, waivers)

    @property
    def title(self) -> str:
        return f"{self.arn or 'A resource'}, tag compliance"

    @property
    def is_unknown(self) -> bool:
        return bool(self.arn) and not self.accounts

    @property
    def address(self) -> Address:
        return resource_address(self.arn, self.account_id)

    @property
    def explain(self) -> str:
        """The command that knows resources without findings, too."""
        account = ["--account", self.account_id] if self.account_id else []
        return shlex.join(["tag-compliance", "explain", self.arn, *account])

    @property
    def search(self) -> Address:
        """The findings with this text anywhere."""
        return Address("/findings", (("q", self.arn), ("state", "all")))

    @staticmethod
    def meanings(finding: ReportRow) -> list[str]:
        """What the codes of a finding say."""
        return [_MEANINGS.get(code, code) for code in finding.codes]

    def reason(self, finding: ReportRow) -> str:
        """Why the waiver of a finding exists; empty without one."""
        return str(self.waivers.get(finding.waiver or "", {}).get("reason", ""))


def _by_account(
    rows: Sequence[ReportRow], rules: Mapping[str, RuleKeys]
) -> Iterator[ResourceInAccount]:
    ordered = sorted(rows, key=lambda row: row.account_id)
    for _, findings in groupby(ordered, key=lambda row: row.account_id):
        yield ResourceInAccount([*findings], rules)
