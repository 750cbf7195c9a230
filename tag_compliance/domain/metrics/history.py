"""The metrics of the history: open findings and their age, what was opened, closed and fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import accumulate
from typing import Literal

from tag_compliance.domain.history.figures import OpenFindings
from tag_compliance.domain.history.kinds import AGE_DAYS, FIX_SECONDS, KINDS, WHYS
from tag_compliance.domain.history.limit import LimitedFigures, RuleFigures
from tag_compliance.domain.history.state import RuleCounters
from tag_compliance.domain.metrics.table import Metric, Samples, ScanResult, samples_of_rows

_Rows = Iterable[tuple[tuple[str, ...], float | None]]
_RULE = ("rule", "severity", "account_name", "account_id")
_MICROSECONDS = 1_000_000
_BOUNDS = (*(str(bound) for bound in FIX_SECONDS), "+Inf")
_TIME_TO_FIX = "tag_compliance_time_to_fix_seconds"
_TIME_TO_FIX_HELP = (
    "Time from the opening of a finding to its fix, of findings whose opening is known."
)


def _metric(
    names: tuple[str, str],
    help_: str,
    labels: tuple[str, ...],
    rows: Callable[[RuleFigures], _Rows],
    type_: Literal["gauge", "counter"] = "gauge",
) -> Metric:
    """A limited family with rows for each rule of each account; `names` are the metric's name and
    the name of its number in `RuleFigures.series`.
    """

    def samples(scan: ScanResult) -> Samples:
        history = _history(scan)
        found = samples_of_rows(labels, (row for rule in history.rules for row in rows(rule)))
        return replace(found, omitted=history.omitted.get(names[1], 0))

    return Metric(names[0], help_, labels, samples, type_)


def _history(scan: ScanResult) -> LimitedFigures:
    if scan.history is None:
        raise ValueError("the families of the history need a history")
    return scan.history


def _open(rule: RuleFigures, values: Callable[[OpenFindings], _Rows]) -> _Rows:
    """Rows for a rule of an account that is a target; their labels begin with those of `_RULE`."""
    found, history = rule.open_findings, rule.account.history
    if found is None:
        return
    labels = rule.rule, found.severity, history.account_name, history.account_id
    for more, value in values(found):
        yield (*labels, *more), value


def _by_age(found: OpenFindings) -> _Rows:
    return (((f"{days}d",), number) for days, number in zip(AGE_DAYS, found.by_age, strict=True))


def _oldest(found: OpenFindings) -> _Rows:
    return [((), found.oldest_at.timestamp() if found.oldest_at else None)]


def _opened(rule: RuleFigures) -> _Rows:
    account_id = rule.account.history.account_id
    numbers = zip(KINDS, rule.counters.opened, strict=True)
    return (((rule.rule, account_id, kind), number) for kind, number in numbers)


def _closed(rule: RuleFigures) -> _Rows:
    account_id = rule.account.history.account_id
    numbers = zip(WHYS, rule.counters.closed, strict=True)
    return (((rule.rule, account_id, why), number) for why, number in numbers)


def _time_to_fix(
    suffix: Literal["_bucket", "_sum", "_count"],
    labels: tuple[str, ...],
    rows: Callable[[str, RuleCounters], _Rows],
) -> Metric:
    def samples(scan: ScanResult) -> Samples:
        totals = _history(scan).figures.time_to_fix or {}
        every = (row for rule, counters in totals.items() for row in rows(rule, counters))
        return samples_of_rows(labels, every)

    return Metric(_TIME_TO_FIX, _TIME_TO_FIX_HELP, labels, samples, "histogram", suffix)


def _buckets(rule: str, counters: RuleCounters) -> _Rows:
    numbers = accumulate(counters.fixed_within)
    return (((rule, bound), number) for bound, number in zip(_BOUNDS, numbers, strict=True))


def _started(scan: ScanResult) -> Samples:
    started_at = _history(scan).figures.started_at
    return samples_of_rows((), [((), started_at.timestamp() if started_at else None)])


HISTORY_METRICS = (
    _metric(
        ("tag_compliance_open_findings", "open"),
        "Open findings whose age in days is at least that of the label, and less than the next.",
        (*_RULE, "age"),
        lambda rule: _open(rule, _by_age),
    ),
    _metric(
        ("tag_compliance_open_findings_unseen", "unseen"),
        "Open findings that the latest snapshot does not contain: of unread regions, or of "
        "resources that have been absent only for a short time.",
        _RULE,
        lambda rule: _open(rule, lambda found: [((), found.unseen)]),
    ),
    _metric(
        ("tag_compliance_oldest_finding_timestamp_seconds", "oldest"),
        "Unix time at which the oldest open finding was opened; absent without one.",
        _RULE,
        lambda rule: _open(rule, _oldest),
    ),
    _metric(
        ("tag_compliance_findings_opened_total", "opened"),
        "Findings opened since the history began, by the way in which they were opened.",
        ("rule", "account_id", "kind"),
        _opened,
        "counter",
    ),
    _metric(
        ("tag_compliance_findings_closed_total", "closed"),
        "Findings closed since the history began, by the reason.",
        ("rule", "account_id", "why"),
        _closed,
        "counter",
    ),
    _time_to_fix("_bucket", ("rule", "le"), _buckets),
    _time_to_fix(
        "_sum",
        ("rule",),
        lambda rule, counters: [((rule,), counters.fix_microseconds / _MICROSECONDS)],
    ),
    _time_to_fix(
        "_count", ("rule",), lambda rule, counters: [((rule,), sum(counters.fixed_within))]
    ),
    Metric(
        "tag_compliance_history_start_timestamp_seconds",
        "Unix time at which the history of findings began.",
        (),
        _started,
    ),
)
