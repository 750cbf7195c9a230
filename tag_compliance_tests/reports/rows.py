"""Report rows and the context of a report, for tests."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tag_compliance.domain.counts import Counts
from tag_compliance.domain.report_row import ReportRow
from tag_compliance.reports.context import AccountSection, ReportContext, RuleSection
from tag_compliance.reports.formats import ReportFormat
from tag_compliance_tests.domain.organizations import NOON, nasty_text

SHOP, LAB = "111122223333", "222233334444"

RULES = (
    RuleSection("required-tag-Env", "medium", "Env is required"),
    RuleSection("required-tag-Owner", "high", "Owner is required"),
)
CONTEXT = ReportContext(
    snapshot_id="20260504T120000.000000Z-abcdef",
    snapshot_time=NOON,
    version="0.1.0",
    scope="All open findings",
    accounts=(
        AccountSection(SHOP, "shop", Counts(5, 1, 4, 1)),
        AccountSection(LAB, "lab", Counts(2, 0, 2, 2)),
    ),
    rules=RULES,
)


def report_row(name: str = "a", **changes: Any) -> ReportRow:
    """An open finding of the account `shop`; `name` ends its ARN."""
    arn = f"arn:aws:ec2:eu-west-1:{SHOP}:vpc/{name}"
    row = ReportRow(
        snapshot_time=NOON,
        account_id=SHOP,
        account_name="shop",
        ou_path="Workloads/Prod",
        region="eu-west-1",
        service="ec2",
        resource_type="ec2:vpc",
        arn=arn,
        rule="required-tag-Owner",
        severity="high",
        codes=("missing",),
        tag="Owner",
        state="open",
        waiver=None,
        waiver_expires=None,
        opened_at=None,
        age_days=None,
        owner="platform",
        owner_source="tag:Team",
        source="tagging",
        tags={"Team": "platform"},
        console_url="https://console.aws.amazon.com/go/view?arn=x",
    )
    return row._replace(**changes)


WAIVED = report_row(
    "old",
    state="waived",
    waiver="W-1",
    waiver_expires=date(2026, 12, 31),
    opened_at=datetime(2026, 5, 1, 6, tzinfo=UTC),
    age_days=3,
    codes=("missing", "wrong_key"),
)

nasty_rows = st.builds(
    report_row,
    account_name=nasty_text,
    ou_path=nasty_text,
    arn=nasty_text,
    rule=st.sampled_from([rule.rule for rule in RULES]),
    severity=st.sampled_from(["info", "low", "medium", "high", "critical"]),
    codes=st.lists(st.sampled_from(["missing", "empty"]), unique=True).map(tuple),
    tag=nasty_text,
    state=st.sampled_from(["open", "waived"]),
    waiver=st.none() | nasty_text,
    waiver_expires=st.none() | st.dates(),
    opened_at=st.none()
    | st.integers(0, 10**6).map(lambda seconds: NOON - timedelta(seconds=seconds)),
    age_days=st.none() | st.integers(0, 4_000),
    owner=st.none() | nasty_text,
    tags=st.dictionaries(nasty_text, st.none() | nasty_text, max_size=3),
    console_url=st.none(),
)
"""Rows of one account with any text that strangers can write."""


def written(
    format_: ReportFormat, rows: Iterable[ReportRow], context: ReportContext = CONTEXT
) -> bytes:
    """The report as bytes."""
    sink = io.BytesIO()
    format_.writer()(iter(rows), context, sink)
    return sink.getvalue()
