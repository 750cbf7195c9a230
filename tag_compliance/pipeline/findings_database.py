"""Writes the findings database of the snapshot that is being published."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.finding_rows import most_serious, rows_of_account
from tag_compliance.domain.history.trend import trend_rows
from tag_compliance.domain.report_row import ReportRow
from tag_compliance.errors import FindingsNotWritten, TagComplianceError
from tag_compliance.pipeline.stored_findings import StoredFindings, console_link_of, row_settings
from tag_compliance.snapshot.findings_db import DatabaseContents, build_findings_db
from tag_compliance.snapshot.findings_limit import FindingsLimit
from tag_compliance.snapshot.layout import DATABASE, Piece, path_of, piece_of
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance.storage.temporary import TemporaryFolder
from tag_compliance.tables.history_days import HistoryDays

TREND_DAYS = 30
"""Each day is one object of the storage."""


@dataclass
class FindingsDatabase:
    """Called with the id of the snapshot; if the database cannot be written, `failure` says why.

    A snapshot without a database is worth more than none.
    """

    findings: StoredFindings
    status: ScanStatus
    failure: TagComplianceError | None = field(default=None, init=False)

    def __call__(self, snapshot_id: str) -> Piece | None:
        try:
            with TemporaryFolder("database") as folder:
                path = folder.path / DATABASE
                build_findings_db(path, self._contents(snapshot_id))
                piece = piece_of(path)
                self.findings.storage.write_file(path_of(snapshot_id, DATABASE), path)
        except (TagComplianceError, sqlite3.Error, OSError) as error:
            self.failure = FindingsNotWritten(str(error))
            return None
        return piece

    def _contents(self, snapshot_id: str) -> DatabaseContents:
        config, merged = self.findings.config, self.findings.merged
        limit = FindingsLimit.of(merged.results.summary, config.max_findings_rows)
        return DatabaseContents(
            snapshot_id=snapshot_id,
            scan_started_at=merged.started_at,
            made_at=self.status.made_at,
            version=self.status.version,
            results=merged.results,
            rows=self._rows(limit),
            rules=[*self._rules()],
            rule_keys={str(rule.rule_id): rule.rule_keys for rule in self.findings.policy.rules},
            waivers=[*self._waivers()],
            trend=self._trend(),
            omitted=limit.omitted,
            show_values=config.report_values,
            console_link=console_link_of(config),
        )

    def _rows(self, limit: FindingsLimit) -> Iterator[ReportRow]:
        settings = row_settings(self.findings.config, self.findings.merged)
        for account_id in sorted(limit.shares):
            found = self.findings.of_account(AccountId(account_id))
            kept = most_serious(found.findings, limit.shares[account_id])
            yield from rows_of_account(replace(found, findings=kept), settings)

    def _trend(self) -> Iterator[dict[str, Any]]:
        """Of the days until this scan."""
        findings = self.findings
        days = HistoryDays(findings.storage, findings.warn)
        return trend_rows(days.daily(findings.merged.started_at.date(), TREND_DAYS))

    def _rules(self) -> Iterator[dict[str, Any]]:
        frame = self.findings.merged.results.summary.by_type_and_rule
        sums = frame.groupby("rule")[["evaluated", "violations", "waived"]].sum()
        totals = {str(rule): tuple(map(int, row)) for rule, *row in sums.itertuples()}
        for rule in self.findings.policy.rules:
            evaluated, found, waived = totals.get(rule.rule_id, (0, 0, 0))
            yield {
                "rule": str(rule.rule_id),
                "severity": str(rule.severity),
                "title": rule.title,
                "tag": rule.tag,
                "evaluated": evaluated,
                "violations": found - waived,
                "waived": waived,
            }

    def _waivers(self) -> Iterator[dict[str, Any]]:
        results = self.findings.merged.results
        day = self.findings.merged.times.started_at.date()
        for waiver in self.findings.policy.waivers:
            yield {
                "waiver": waiver.waiver_id,
                "reason": waiver.reason,
                "owner": waiver.owner,
                "expires": waiver.expires.isoformat(),
                "ticket": waiver.ticket or None,
                "state": str(waiver.state(day)),
                "findings": results.summary.waiver_uses[waiver.waiver_id].named,
            }
