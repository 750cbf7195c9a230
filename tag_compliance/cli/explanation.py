"""What is known about one resource, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tag_compliance.domain.account import display_name
from tag_compliance.domain.aws_owned import aws_owned_rows
from tag_compliance.domain.evaluation import counted_resources
from tag_compliance.domain.finding_rows import AccountFindings, rows_of_account
from tag_compliance.domain.owners import AccountOwner, tag_owners
from tag_compliance.domain.report_filter import NO_OWNER
from tag_compliance.domain.report_row import ReportRow, console_url, format_tags, format_time
from tag_compliance.domain.resources import AccountInventory, TaggedResources
from tag_compliance.domain.rules.base import Rule
from tag_compliance.domain.summary import SummarizedAccount
from tag_compliance.domain.tag_commands import fix_of
from tag_compliance.domain.type_patterns import matched_rows
from tag_compliance.logs import on_one_line
from tag_compliance.pipeline.merge import policy_of
from tag_compliance.pipeline.stored_findings import StoredFindings, row_settings
from tag_compliance.tables.raw_resources import RawResources


def explanations(findings: StoredFindings, arn: str, account_id: str | None) -> Iterator[list[str]]:
    """The lines about the resource in each account that has it.

    Raises `StoredValueUnreadable`.
    """
    inventories = RawResources(findings.storage, findings.warn)
    for account in findings.merged.results.summary.accounts:
        if account_id not in {None, account.account_id}:
            continue
        inventory = inventories.load(account.account_id)
        if inventory is None:
            continue
        rows = inventory.resources.filter(pc.equal(inventory.resources["arn"], arn))
        if len(rows):
            own = AccountInventory(inventory.status, rows)
            yield [*map(on_one_line, _Explanation(findings, account, own).lines())]


class _Explanation:
    """One resource of one account: `own` has the rows that the sources returned for it."""

    def __init__(
        self, findings: StoredFindings, account: SummarizedAccount, own: AccountInventory
    ) -> None:
        self._findings, self._account, self._own = findings, account, own
        self._config = findings.config
        self._policy = policy_of(self._config)
        self._settings = row_settings(self._config, findings.merged)
        self._basis = findings.merged.bases[account.account_id]

    def lines(self) -> Iterator[str]:
        account, returned = self._account, self._own.resources.to_pylist()
        first = returned[0]
        yield first["arn"]
        yield f"  account   {display_name(account.account_id, account.account_name)}"
        yield f"  type      {first['resource_type']}"
        for region, source in dict.fromkeys((row["region"], row["source"]) for row in returned):
            yield f"  returned  by {source} in {region}{self._age(region, source)}"
        counted = counted_resources(self._own, self._policy, self._basis)
        row = counted.to_pylist()[0] if len(counted) else first
        shown = self._config.report_values
        tags = {key: value if shown else None for key, value in row["tags"]}
        yield f"  tags      {format_tags(tags)}"
        if url := console_url(first["arn"], account.account_id, self._settings.console_link):
            yield f"  console   {url}"
        if len(counted):
            yield from self._counted(counted, row)
        else:
            yield f"  not counted: {self._why_not_counted(returned)}"

    def _age(self, region: str, source: str) -> str:
        readings = {
            (str(status.region), str(reading.source)): reading
            for status in self._own.status.regions
            for reading in status.sources
        }
        status = readings.get((region, source))
        if status is None or status.last_success_at is None:
            return ""
        at = format_time(status.last_success_at)
        return f", read {at}" if status.succeeded else f", last read {at} ({status.reason} since)"

    def _why_not_counted(self, returned: list[dict[str, Any]]) -> str:
        _, matches = matched_rows(self._policy.exclusions, self._own.resources)
        for pattern in (text for text, rows in matches.items() if rows):
            return f"excluded_resource_types has {pattern}"
        if self._policy.excludes_aws_owned and aws_owned_rows(self._own.resources).any():
            return "AWS creates and owns it"
        if not any(row["region"] in self._basis.regions for row in returned):
            return "the numbers of its region do not count, because it was not read"
        counting = {rows.source for rows in self._basis.sources if rows.counts}
        if not any(row["source"] in counting for row in returned):
            return "it never had a tag, and never_tagged is report"
        return "it is excluded"

    def _counted(self, counted: pa.Table, row: dict[str, Any]) -> Iterator[str]:
        found = {finding.rule: finding for finding in self._findings_of(row["arn"], counted)}
        owner = self._owner(counted)
        yield f"  owner     {f'{owner.name} ({owner.source})' if owner.name else NO_OWNER}"
        yield "  rules"
        resources = TaggedResources(counted, self._account.account_id, self._basis.units)
        for rule in self._policy.rules:
            yield f"    {self._verdict(rule, found.get(str(rule.rule_id)), resources)}"
        open_findings = [finding for finding in found.values() if finding.state == "open"]
        rules = {str(rule.rule_id): rule for rule in self._policy.rules}
        keys = {name: rule.rule_keys for name, rule in rules.items()}
        fix = fix_of(open_findings, keys, lambda name, value: bool(rules[name].rejects(value)))
        if fix.commands or fix.notes:
            yield "  to fix it (choose the values yourself; nothing was run)"
            yield from (f"    {line}" for line in (*fix.commands, *fix.notes))

    def _owner(self, counted: pa.Table) -> AccountOwner:
        found = tag_owners(counted["tags"].combine_chunks(), self._config.owner_tags)
        if name := found.owner[0].as_py():
            return AccountOwner(name, found.source[0].as_py())
        return self._findings.reported(self._account.account_id).owner

    def _findings_of(self, arn: str, counted: pa.Table) -> list[ReportRow]:
        account_id = self._account.account_id
        findings = self._findings.merged.load_findings(account_id)
        own = findings.filter(pc.equal(findings["arn"], arn))
        reported = self._findings.reported(account_id)
        opened = self._findings.openings(account_id) if len(own) else None
        return list(
            rows_of_account(AccountFindings(reported, own, counted, opened), self._settings)
        )

    @staticmethod
    def _verdict(rule: Rule, finding: ReportRow | None, resources: TaggedResources) -> str:
        head = f"{rule.rule_id} ({rule.severity})"
        if not rule.applies_to(resources)[0]:
            return f"{head}: does not apply"
        if finding is None:
            return f"{head}: passes"
        word = "first seen" if finding.state == "waived" else "since"
        since = f", {word} {format_time(finding.opened_at)}" if finding.opened_at else ""
        waiver = ""
        if finding.waiver:
            until = f" until {finding.waiver_expires}" if finding.waiver_expires else ""
            waiver = f", waived by {finding.waiver}{until}"
        wrong = ", ".join(sorted(rule.rule_keys.misspelled(finding.tags)))
        tag = f"{finding.tag} (wrong spelling: {wrong})" if wrong else finding.tag
        return f"{head}: violated: {', '.join(finding.codes)}: {tag}{waiver}{since}"
