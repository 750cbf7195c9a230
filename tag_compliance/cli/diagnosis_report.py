"""What `doctor` prints: its checks, a table of the accounts, and each fault once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tag_compliance.aws.remediation import remediation_of
from tag_compliance.aws.targets import role_steps, targets_of
from tag_compliance.cli.diagnosis import Check, Diagnosis
from tag_compliance.cli.plan import organization_lines
from tag_compliance.cli.summary import folded
from tag_compliance.cli.terminal import Style
from tag_compliance.config import Config
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import AccountReadStatus, ReadStatus
from tag_compliance.domain.tag_key import doubts_about
from tag_compliance.logs import on_one_line

_MOST_NAMES = 5
_ANY_ACCOUNT, _ANY_REGION = "<account>", "<region>"

_ATTEMPTS = re.compile(r" \(after \d+ attempts?[^)]*\)$")
"""How often a call was made, which is random: it depends on the pauses between the attempts."""

_Failure = tuple[AccountReadStatus, RegionName, ReadStatus]
"""The status of a source that could not be read, with its account and region."""


def report(config: Config, diagnosis: Diagnosis, style: Style) -> Iterator[str]:
    """The lines of the report. Faults that differ only in account and region are one fault.

    `config` is the configuration as it is written.
    """
    for check in diagnosis.checks:
        if check.fault:
            yield f"{check.name:12} {style.poor('failed')}"
        else:
            yield f"{check.name:12} {on_one_line(check.found)}"
    for key in config.required_tags:
        if doubts := doubts_about(key):
            yield f"{'warning':12} REQUIRED_TAGS {key!r}: {on_one_line(doubts)}"
    yield ""
    if diagnosis.organization is not None:
        listed = organization_lines(config, diagnosis.organization, failure=False)
        yield from map(on_one_line, listed)
        yield ""
    yield from _accounts(diagnosis.statuses, style)
    for check in diagnosis.checks:
        if check.fault:
            yield from _fault(_of_check(check), check.remedy)
    for failures in _equal_failures(diagnosis.statuses):
        yield from _fault(*_of_accounts(diagnosis.config, failures))


def _accounts(statuses: Sequence[AccountReadStatus], style: Style) -> Iterator[str]:
    if not statuses:
        yield "no account was tested: that needs credentials, and accounts to scan"
        return
    rows = [(s.succeeded, _row(s, style)) for s in statuses]
    shown, omitted = folded(rows, lambda row: row[0])
    yield from (line for _, line in shown)
    if omitted:
        yield f"… {omitted} more accounts, which can be read"
    succeeded = [region.succeeded for status in statuses for region in status.regions]
    yield ""
    yield f"{sum(succeeded)} of {len(succeeded)} regions can be read"


def _row(status: AccountReadStatus, style: Style) -> str:
    read = sum(region.succeeded for region in status.regions)
    shown = f"{read} of {len(status.regions)} regions can be read"
    name = on_one_line(status.account_name)
    state = style.good(shown) if status.succeeded else style.poor(shown)
    return f"{status.account_id}  {state}  {name}"


def _fault(text: str, remedy: Sequence[str]) -> Iterator[str]:
    yield ""
    yield on_one_line(text)
    yield from (f"  {on_one_line(line)}" for line in remedy)


def _of_check(check: Check) -> str:
    return f"{check.name}: {check.fault}"


def _equal_failures(statuses: Sequence[AccountReadStatus]) -> list[list[_Failure]]:
    equal: dict[tuple[str, str], list[_Failure]] = {}
    for status in statuses:
        for region in status.regions:
            for source in (source for source in region.sources if not source.succeeded):
                general = source.message.replace(status.account_id, _ANY_ACCOUNT)
                general = _ATTEMPTS.sub("", general.replace(region.region, _ANY_REGION))
                failure = (status, region.region, source)
                equal.setdefault((source.reason, general), []).append(failure)
    return list(equal.values())


def _of_accounts(config: Config, failures: list[_Failure]) -> tuple[str, tuple[str, ...]]:
    """The text and the remedy, with a placeholder for what differs in `failures`."""
    status, region, source = failures[0]
    accounts = list(dict.fromkeys(s.display_name for s, _, _ in failures))
    regions = list(dict.fromkeys(r for _, r, _ in failures))
    [target] = targets_of(config, {status.account_id})
    steps = role_steps(config, target)
    message = source.message
    remedy = remediation_of(source.reason, message, steps, region, source.source)
    if len(accounts) > 1:
        message = message.replace(status.account_id, _ANY_ACCOUNT)
        # In a statement of a policy, * is any account.
        remedy = tuple(
            line.replace(status.account_id, "*" if line.lstrip()[:1] == "{" else _ANY_ACCOUNT)
            for line in remedy
        )
    if len(regions) > 1:
        message = message.replace(region, _ANY_REGION)
        remedy = tuple(line.replace(region, _ANY_REGION) for line in remedy)
    where = accounts[0] if len(accounts) == 1 else f"{len(accounts)} accounts, {_few(accounts)}"
    return f"{where} in {_few(regions)}: {source.reason}: {message}", remedy


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
