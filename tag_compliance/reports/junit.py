"""JUnit XML for CI: a suite for each account, a test case for each rule.

GitLab shows name, class name, failure and skipped: https://docs.gitlab.com/ci/testing/unit_test_reports/
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import BinaryIO
from xml.sax.saxutils import escape, quoteattr

from tag_compliance.domain.report_row import ReportRow, format_time
from tag_compliance.reports.context import AccountSection, ReportContext, RuleSection

_SHOWN_FINDINGS = 50
"""Of a test case; the rest is counted."""

# https://www.w3.org/TR/xml/#charsets
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class _Findings:
    """The findings of one rule in one account: how many, and the first of them as text."""

    open: int = 0
    waived: int = 0
    lines: list[str] = field(default_factory=list)

    def add(self, row: ReportRow) -> None:
        is_open = row.state == "open"
        self.open += is_open
        self.waived += not is_open
        if is_open and len(self.lines) < _SHOWN_FINDINGS:
            self.lines.append(f"{row.region} {row.arn}: {', '.join(row.codes)} ({row.tag})")


def write_junit(rows: Iterable[ReportRow], context: ReportContext, sink: BinaryIO) -> None:
    """A rule without an open finding passes; with waived findings only, it is skipped.

    What was not read is an error, and the account's rules without findings are skipped: they must
    not look as if they had passed.
    """
    sections = {section.account_id: section for section in context.accounts}
    sink.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="tag-compliance">\n')
    pending = sorted(sections)
    for account_id, of_account in groupby(rows, key=lambda row: row.account_id):
        found: dict[str, _Findings] = defaultdict(_Findings)
        for row in of_account:
            found[row.rule].add(row)
        while pending and pending[0] < account_id:
            _write_suite(sections[pending.pop(0)], {}, context, sink)
        pending = [other for other in pending if other != account_id]
        _write_suite(sections[account_id], found, context, sink)
    for account_id in pending:
        _write_suite(sections[account_id], {}, context, sink)
    sink.write(b"</testsuites>\n")


def _write_suite(
    account: AccountSection, found: dict[str, _Findings], context: ReportContext, sink: BinaryIO
) -> None:
    name = f"{account.account_id} {account.account_name}"
    failures = sum(of_rule.open > 0 for of_rule in found.values())
    skipped = sum(of_rule.open == 0 for of_rule in found.values())
    if account.unread:
        skipped += sum(rule.rule not in found for rule in context.rules)
    tests = len(context.rules) + len(account.unread)
    attributes = (
        f'name={_attribute(name)} tests="{tests}" failures="{failures}" '
        f'errors="{len(account.unread)}" skipped="{skipped}" '
        f'timestamp="{format_time(context.snapshot_time)}"'
    )
    lines = [f"  <testsuite {attributes}>"]
    for rule in context.rules:
        lines += _case(rule, found.get(rule.rule, _Findings()), account, name)
    for number, unread in enumerate(account.unread, 1):
        lines += _element(f"everything was read ({number})", name, "error", unread, unread)
    lines.append("  </testsuite>\n")
    sink.write("\n".join(lines).encode())


def _case(
    rule: RuleSection, found: _Findings, account: AccountSection, class_name: str
) -> Iterator[str]:
    name = f"[{rule.severity}] {rule.rule}"
    if found.open:
        hidden = found.open - len(found.lines)
        lines = [*found.lines, f"and {hidden} more"] if hidden else found.lines
        message = f"{rule.title}: {found.open} open, {found.waived} waived"
        yield from _element(name, class_name, "failure", message, "\n".join(lines))
    elif found.waived:
        yield from _element(name, class_name, "skipped", f"{found.waived} waived", "")
    elif account.unread:
        message = "unknown: the account was not fully read"
        yield from _element(name, class_name, "skipped", message, "")
    else:
        yield f"    <testcase name={_attribute(name)} classname={_attribute(class_name)}/>"


def _element(name: str, class_name: str, kind: str, message: str, text: str) -> Iterator[str]:
    yield f"    <testcase name={_attribute(name)} classname={_attribute(class_name)}>"
    content = escape(_NOT_XML.sub("\ufffd", text))
    yield f"      <{kind} message={_attribute(message)}>{content}</{kind}>"
    yield "    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
