"""The JSON documents of the API, made of queries of the findings database.

Each function checks the parameters at once, and returns what makes the document. Keys are only ever
added: docs/api.md promises it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

from tag_compliance.domain.report_row import COLUMNS, ReportRow
from tag_compliance.errors import NoSuchResource
from tag_compliance.exporter import scan_queries
from tag_compliance.exporter.findings_parameters import parse, parse_findings
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.reports.jsonl import json_object

Document = Callable[[], bytes]
Pairs = list[tuple[str, str]]

DEFAULT_LIMIT = 100

OF_RESOURCE = (
    *("account_id", "account_name", "ou_path", "region", "service", "resource_type", "arn"),
    *("owner", "owner_source", "source", "tags", "console_url"),
)
"""The columns of a report that are the same for all findings of a resource."""

OF_FINDING = tuple(c for c in COLUMNS if c not in {*OF_RESOURCE, "snapshot_time"})

_encode = msgspec.json.Encoder().encode


def findings(queries: FindingsQueries, pairs: Pairs) -> Document:
    """A page of findings."""
    asked = parse_findings(pairs, shows_values=queries.shows_values, default_limit=DEFAULT_LIMIT)

    def document() -> bytes:
        page = queries.page(
            asked.chosen, asked.search, asked.sort, size=asked.limit, cursor=asked.cursor
        )
        return _encode(
            {
                "snapshot": _snapshot(queries),
                "findings": [json_object(row) for row in page.rows],
                "next_cursor": page.next_cursor,
            }
        )

    return document


def resources(queries: FindingsQueries, pairs: Pairs) -> Document:
    """All findings of the resources with an ARN, which can be in several accounts."""
    given = parse(pairs, names=("arn", "account"), required=("arn",))
    arn, account_id = given["arn"][0], given.get("account", [None])[0]

    def document() -> bytes:
        rows = queries.resource(arn, account_id)
        if not rows:
            raise NoSuchResource(arn)
        found = [_resource([*group]) for _, group in groupby(rows, lambda row: row.account_id)]
        return _encode({"snapshot": _snapshot(queries), "resources": found})

    return document


def summary(queries: FindingsQueries, pairs: Pairs) -> Document:
    """The numbers of the snapshot: of everything, of each account, each rule and each waiver."""
    parse(pairs, names=())

    def document() -> bytes:
        meta = queries.meta
        accounts = scan_queries.accounts(queries)
        return _encode(
            {
                "snapshot": {
                    **_snapshot(queries),
                    "made_at": meta["made_at"],
                    "version": meta["version"],
                    "outcome": meta["outcome"],
                    "failures": json.loads(meta["failures"]),
                },
                "resources": _total(accounts),
                "findings": scan_queries.findings_by_severity(queries),
                "accounts": accounts,
                "rules": queries.table("rules"),
                "waivers": queries.table("waivers"),
            }
        )

    return document


def _total(accounts: Sequence[Mapping[str, Any]]) -> dict[str, int | None]:
    """`compliant` is None if no tag is required, as it is for each account."""
    keys = ("returned", "excluded", "counted", "compliant")
    columns = {key: [account[key] for account in accounts] for key in keys}
    return {key: None if None in numbers else sum(numbers) for key, numbers in columns.items()}


def coverage(queries: FindingsQueries, pairs: Pairs) -> Document:
    """How each source was read in each account and region, and what it cannot return."""
    names = ("account", "region", "limit", "cursor")
    given = parse(pairs, names=names)
    limit = int(given.get("limit", [str(DEFAULT_LIMIT)])[0])

    def document() -> bytes:
        rows, next_cursor = scan_queries.coverage(
            queries,
            account_ids=given.get("account", []),
            regions=given.get("region", []),
            limit=limit,
            cursor=given.get("cursor", [None])[0],
        )
        return _encode(
            {"snapshot": _snapshot(queries), "coverage": rows, "next_cursor": next_cursor}
        )

    return document


def _snapshot(queries: FindingsQueries) -> dict[str, Any]:
    meta = queries.meta
    return {
        "snapshot_id": meta["snapshot_id"],
        "snapshot_time": meta["snapshot_time"],
        "findings": int(meta["findings"]),
        "findings_omitted": int(meta["findings_omitted"]),
        "report_values": queries.shows_values,
    }


def _resource(rows: list[ReportRow]) -> dict[str, Any]:
    objects = [json_object(row) for row in rows]
    return {
        **{name: objects[0][name] for name in OF_RESOURCE},
        "findings": [{name: found[name] for name in OF_FINDING} for found in objects],
    }
