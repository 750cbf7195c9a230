"""Limits the published series of the history, fairly among the accounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tag_compliance.domain.history.figures import AccountFigures, HistoryFigures, OpenFindings
from tag_compliance.domain.history.kinds import AGE_DAYS, FIX_SECONDS, KINDS, WHYS
from tag_compliance.domain.history.state import RuleCounters

_OF_ALL = 1
"""Series of the history without labels."""


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One rule of one account. A rule without `open_findings` has counters only."""

    account: AccountFigures
    rule: str
    open_findings: OpenFindings | None
    counters: RuleCounters

    @property
    def series(self) -> Mapping[str, int]:
        """The number of series in each family."""
        counted = {"opened": len(KINDS), "closed": len(WHYS)}
        if self.open_findings is None:
            return counted
        oldest = int(self.open_findings.oldest_at is not None)
        return {"open": len(AGE_DAYS), "unseen": 1, "oldest": oldest, **counted}


@dataclass(frozen=True)
class LimitedFigures:
    """The figures that are published; `omitted` counts the series left out of each family."""

    figures: HistoryFigures
    rules: Sequence[RuleFigures]
    omitted: Mapping[str, int] = field(default_factory=dict)


def limit_figures(figures: HistoryFigures, limit: int | None) -> LimitedFigures:
    """At most `limit` series (None: all); of an account the first rules of the policy.

    The families without an account are small and are published first. A rule of an account is
    published with all its series or with none.
    """
    of_accounts = [list(_rules_of(account)) for account in figures.accounts]
    if limit is None:
        return LimitedFigures(figures, [rule for rules in of_accounts for rule in rules])
    left = max(0, limit - _OF_ALL - len(figures.time_to_fix or ()) * (len(FIX_SECONDS) + 3))
    wanted = [sum(sum(rule.series.values()) for rule in rules) for rules in of_accounts]
    kept: list[RuleFigures] = []
    omitted = Counter[str]()
    for rules, share in zip(of_accounts, _shares(wanted, left), strict=True):
        used, full = 0, False
        for rule in rules:
            used += sum(rule.series.values())
            full = full or used > share
            if full:
                omitted.update(rule.series)
            else:
                kept.append(rule)
    return LimitedFigures(figures, kept, omitted)


def _rules_of(account: AccountFigures) -> Iterator[RuleFigures]:
    for rule in dict.fromkeys([*account.open_findings, *account.counters]):
        open_findings = account.open_findings.get(rule)
        counters = account.counters.get(rule, RuleCounters())
        yield RuleFigures(account, rule, open_findings, counters)


def _shares(wanted: Sequence[int], limit: int) -> list[int]:
    """How many of `limit` each account gets: as many as it wants, or as many as any other."""
    shares, left = [0] * len(wanted), limit
    ordered = sorted(range(len(wanted)), key=wanted.__getitem__)
    for place, account in enumerate(ordered):
        shares[account] = min(wanted[account], left // (len(wanted) - place))
        left -= shares[account]
    return shares
