"""A snapshot with any number of findings, and people who search them.

The functions for `process.call` and the searchers run in processes of their own.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.organization import detailed_contents, published
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.report_row import ReportRow, console_url
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.snapshot.findings_db import DatabaseContents, build_findings_db
from tag_compliance.snapshot.layout import DATABASE, Piece, path_of, piece_of
from tag_compliance.storage.open import open_storage
from tag_compliance_tests.domain.organizations import summary_of

_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_ACCOUNTS, _OWNERS = 200, 150
_REGIONS = ("eu-west-1", "us-east-1", "us-west-2")
_TYPES = ("ec2:instance", "ec2:volume", "lambda:function", "s3:bucket", "sqs:queue", "rds:db")
_RULES = (
    *(("required-tag-Owner", "high"), ("required-tag-Environment", "medium")),
    *(("required-tag-CostCenter", "medium"), ("cost-center-format", "low")),
)
_OLD = datetime(2026, 10, 1, tzinfo=UTC)

QUERIES: dict[str, dict[str, str]] = {
    "the first page": {},
    "one account": {"account": "100000000{n:03}"},
    "one owner": {"owner": "team-{n}"},
    "one rule, the oldest first": {"rule": "required-tag-Owner", "sort": "age"},
    "one type and region, by severity": {
        "type": "s3:bucket",
        "region": "us-east-1",
        "sort": "severity",
    },
    "one tag": {"tag": "Name=orders-{n}"},
    "a search": {"q": "orders-service-000000012{n}"},
    "a search without a result": {"q": "nothing-has-this-name-{n}"},
    "waived, by owner": {"state": "waived", "sort": "-owner"},
}
"""Pages of 50 findings. `n` is a number below `VARIANTS`, so that few requests are the same."""

COUNTS: dict[str, str] = {
    **{f"findings by {name}": f"/{name}s?" for name in ("account", "owner", "rule", "type")},
    "those of one account by owner": "/owners?account=100000000{n:03}",
    "those of one rule by account": "/accounts?rule=required-tag-Owner&q=orders-{n}",
}
"""Pages that count findings."""

VARIANTS = 150


def publish(series: int, findings: int, storage: str) -> dict[str, Any]:
    """Publishes a snapshot with so many detail series and findings."""
    stored, size = open_storage(storage), 0

    def write(snapshot_id: str) -> Piece:
        nonlocal size
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            path = Path(folder, DATABASE)
            results = ComplianceResults((), summary_of([], Policy(("Owner",))))
            contents = DatabaseContents(
                snapshot_id, _NOON, _NOON, "benchmark", results, _rows(findings), rules=()
            )
            build_findings_db(path, contents)
            stored.write_file(path_of(snapshot_id, DATABASE), path)
            piece = piece_of(path)
            size = piece.bytes
            return piece

    made = published(detailed_contents(series), storage, write)
    return {**made, "findings": findings, "database_bytes": size}


def _rows(count: int) -> Iterator[ReportRow]:
    """In the order of reports; each resource has one or two findings."""
    per_account = -(-count // _ACCOUNTS)
    for serial in range(count):
        account = serial // per_account
        resource = serial * 2 // 3
        rule, severity = _RULES[serial % len(_RULES)]
        type_ = _TYPES[(serial % per_account) * len(_TYPES) // per_account]
        region = _REGIONS[resource % len(_REGIONS)]
        account_id = f"{100_000_000_000 + account}"
        service, kind = type_.split(":")
        arn = f"arn:aws:{service}:{region}:{account_id}:{kind}/orders-service-{resource:012}"
        is_waived = serial % 20 == 0
        yield ReportRow(
            snapshot_time=_NOON,
            account_id=account_id,
            account_name=f"team-{account}",
            ou_path=f"Workloads/Unit-{account % 12}",
            region=region,
            service=service,
            resource_type=type_,
            arn=arn,
            rule=rule,
            severity=severity,
            codes=("missing",),
            tag="Owner",
            state="waived" if is_waived else "open",
            waiver="W-1" if is_waived else None,
            waiver_expires=_NOON.date() if is_waived else None,
            opened_at=_OLD.replace(day=1 + resource % 28),
            age_days=53 - resource % 28,
            owner=f"team-{account % _OWNERS}",
            owner_source="account",
            source="tagging",
            tags={"Name": f"orders-{resource % 1_000}", "Environment": "prod", "Team": "orders"},
            console_url=console_url(arn, account_id),
        )


def search_until_stdin_closes(port: int, people: int, pause_seconds: float) -> None:
    """Each person opens one page after the other; prints the number of pages and the latencies."""
    ended, seconds, failures = threading.Event(), list[float](), list[int]()

    def search(number: int) -> None:
        choose = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with closing(connection):
            ended.wait(choose.random() * pause_seconds)
            while not ended.is_set():
                query = choose.choice([*QUERIES.values()])
                started = time.perf_counter()
                connection.request("GET", path_for(query, choose.randrange(VARIANTS)))
                response = connection.getresponse()
                response.read()
                seconds.append(time.perf_counter() - started)
                if response.status != http.HTTPStatus.OK:
                    failures.append(response.status)
                ended.wait(pause_seconds)

    threads = [threading.Thread(target=search, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    print("searching", flush=True)
    sys.stdin.read()
    ended.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"seconds": seconds, "failures": failures}))


def path_for(query: dict[str, str], number: int, path: str = "/api/v1/findings") -> str:
    values = {name: value.format(n=number) for name, value in query.items()}
    return f"{path}?{urlencode({**values, 'limit': '50'})}"


def counting_path(path: str, number: int) -> str:
    """One of `COUNTS`."""
    return path.format(n=number)


if __name__ == "__main__":
    search_until_stdin_closes(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
