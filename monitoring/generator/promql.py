"""The PromQL that the dashboards share.

Two replicas of the exporter serve the same snapshot, so the greatest of equal series is taken
before anything is added. Shares come of added counts and are never averaged.
"""

from __future__ import annotations

CHOSEN = 'job=~"$job",account_id=~"$account",region=~"$region"'
"""What the variables choose, of metrics with a region."""

CHOSEN_ACCOUNTS = 'job=~"$job",account_id=~"$account"'
"""The same, of metrics without one."""

_REGION = "account_name, account_id, region"


def once(metric: str, *labels: str, chosen: str = CHOSEN, at: str = "") -> str:
    """Each series of an account's region once, told apart by `labels`, too; `at`: `offset 1d`."""
    return f"max by ({', '.join([*labels, _REGION])}) ({metric}{{{chosen}}}{at and f' {at}'})"


def once_each_account(metric: str) -> str:
    """Each series of an account once."""
    return f"max by (account_name, account_id) ({metric}{{{CHOSEN_ACCOUNTS}}})"


def total(counts: str, *by: str) -> str:
    """The counts added up."""
    return f"sum by ({', '.join(by)}) ({counts})" if by else f"sum({counts})"


def share(part: str, whole: str, *by: str) -> str:
    """In percent; nothing where there is nothing to have a share of."""
    return f"100 * {total(part, *by)} / ({total(whole, *by)} > 0)"


SCANNED = once("resources_scanned_total")
COMPLIANT = once("resources_fully_compliant_total")
WITH_TAG = once("tag_compliant_total", "tag")
WITHOUT_TAG = once("tag_non_compliant_total", "tag")

_COMPLIANT_BY_TYPE = total(
    once("resources_fully_compliant_by_type_total", "resource_type"), "resource_type"
)
NON_COMPLIANT_BY_TYPE = (
    f"count by (resource_type) (count by (resource_type, resource_arn) "
    f"(tag_missing_detail{{{CHOSEN}}}))"
)
SHARE_BY_TYPE = (
    f"100 * {_COMPLIANT_BY_TYPE} / "
    f"({_COMPLIANT_BY_TYPE} + ({NON_COMPLIANT_BY_TYPE} or 0 * {_COMPLIANT_BY_TYPE}) > 0)"
)

BY_DETAIL = "Counted from tag_missing_detail: too low where max_detail_series has left series out."
MOST_ROWS = 1_000


def detail(chosen: str = CHOSEN) -> str:
    """Missing tags, a row each, as many as a table can hold."""
    every = once("tag_missing_detail", "tag", "resource_type", "resource_arn", chosen=chosen)
    return f"topk({MOST_ROWS}, {every})"


DETAIL_DESCRIPTION = (
    f"At most {MOST_ROWS:,} rows: choose accounts, regions and tags above to see the rest. "
    "An ARN of more than 200 characters ends in a hash."
)
