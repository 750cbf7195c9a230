"""Which series of the rule metrics are published: all of them share one limit."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tag_compliance.domain.metrics.detail import fair_shares
from tag_compliance.domain.metrics.table import RuleSeries
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.summary import Summary

_OF_RULE, _OF_RULE_ABOUT_TAGS, _OF_REGION, _OF_WAIVER = 3, 4, 5, 3
"""How many series a row of `rows`, a region and a waiver have."""


def choose_series(
    summary: Summary, policy: Policy, day: date, limit: int | None = None
) -> RuleSeries:
    """At most `limit` series (None: all).

    What describes rules and waivers comes first. The rest is shared fairly among the accounts. Of
    an account the numbers of the whole policy come first, then the rules in the policy's order.
    """
    rows, regions = _rows(summary, policy), summary.by_region_of_policy
    rules, waivers = policy.rules, policy.waivers
    kept = np.ones(len(regions) + len(rows), dtype=bool)
    if limit is not None:
        rules, waivers = rules[:limit], waivers[: max(0, limit - len(rules)) // _OF_WAIVER]
        rest = limit - len(rules) - _OF_WAIVER * len(waivers)
        kept = _kept(regions["account_id"], rows["account_id"], rows["series"], rest)
    regions = regions.assign(kept=kept[: len(regions)])
    rows = rows.assign(kept=kept[len(regions) :])
    about_tags = rows[rows["series"] == _OF_RULE_ABOUT_TAGS]
    series = len(rules) + _OF_WAIVER * len(waivers)
    series += _OF_REGION * int(regions["kept"].sum()) + int(rows["series"][rows["kept"]].sum())
    return RuleSeries(policy, day, rows, about_tags, regions, rules, waivers, series)


def _rows(summary: Summary, policy: Policy) -> pd.DataFrame:
    frame = summary.by_region_and_rule
    severities = {str(rule.rule_id): str(rule.severity) for rule in policy.rules}
    about_tags = {str(r.rule_id) for r in policy.tag_rules if r.scope.depends_on_tags}
    costs = frame["rule"].isin(about_tags).map({True: _OF_RULE_ABOUT_TAGS, False: _OF_RULE})
    return frame.assign(
        severity=frame["rule"].map(severities).astype("object"),
        open=frame["violations"] - frame["waived"],
        series=costs.astype("int64"),
    )


def _kept(
    of_regions: pd.Series, of_rows: pd.Series, costs: pd.Series, limit: int
) -> NDArray[np.bool_]:
    """Which regions, and then which rows, fit into the shares of their accounts."""
    accounts = pd.concat([of_regions, of_rows], ignore_index=True)
    of_region = pd.Series(_OF_REGION, index=of_regions.index)
    series = pd.concat([of_region, costs], ignore_index=True).astype("int64")
    wanted = series.groupby(accounts, sort=False).sum()
    if limit < wanted.sum():
        wanted = fair_shares(wanted, limit)
    used = series.groupby(accounts, sort=False).cumsum()
    kept: NDArray[np.bool_] = (used <= accounts.map(wanted)).to_numpy(dtype=bool)
    return kept
