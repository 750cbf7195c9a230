"""Whether history, findings database and exposition of a storage agree.

What is stored by day follows from the histories: after a kill it can lack the last change of an
account, until the next scan.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tag_compliance.domain.history.kinds import KINDS, WHYS
from tag_compliance.domain.history.state import AccountHistory
from tag_compliance.snapshot.layout import (
    CURRENT,
    DATABASE,
    FOLDER,
    MANIFEST,
    PLAIN,
    Manifest,
    current_in,
    parse,
    sha256,
)
from tag_compliance.storage.open import open_storage
from tag_compliance.tables.history import HistoryTables
from tag_compliance_tests.support.exposition import Exposition

Key = tuple[str, str]
"""Account and rule."""


def faults_after_a_kill(state: Path) -> set[str]:
    """What must never be wrong, at whatever moment a scan was killed."""
    faults = set(_faults_of_snapshots(state))
    for history in _histories(state):
        keys = Counter(
            (row["arn"], row["rule"]) for row in history.tracked.select(["arn", "rule"]).to_pylist()
        )
        if repeated := [key for key, number in keys.items() if number > 1]:
            faults.add(f"tracked twice in {history.account_id}: {repeated[:3]}")
    closed = Counter(
        (row["account_id"], row["arn"], row["rule"], row["sequence"])
        for row in _day_rows(state, "closed")
    )
    faults |= {f"closed twice by one reading: {key}" for key, n in closed.items() if n > 1}
    return faults


def faults_after_a_scan(state: Path) -> set[str]:
    """What must also be right as soon as a scan has ended."""
    histories, faults = _histories(state), faults_after_a_kill(state)
    daily, every_closed = _day_rows(state, "daily"), _day_rows(state, "closed")
    for history in histories:
        account = history.account_id
        for rule, counters in history.counters.items():
            of_rule = [r for r in daily if (r["account_id"], r["rule"]) == (account, rule)]
            by_day = (
                tuple(sum(r[f"opened_{kind}"] for r in of_rule) for kind in KINDS),
                tuple(sum(r[f"closed_{why}"] for r in of_rule) for why in WHYS),
            )
            if by_day != (counters.opened, counters.closed):
                faults.add(f"{account} {rule}: {by_day} by day, {counters} in total")
            closed = [r for r in every_closed if (r["account_id"], r["rule"]) == (account, rule)]
            rows = Counter(r["closed_why"] for r in closed)
            if tuple(rows[why] for why in WHYS) != counters.closed:
                faults.add(f"{account} {rule}: {rows} rows, {counters.closed} counted")
            returned = sum(r["returned"] for r in of_rule)
            open_ = sum(counters.opened) + returned - sum(counters.closed)
            if open_ != _open(history)[account, rule]:
                faults.add(f"{account} {rule}: {open_} are open by the counters")
    shown = _shown(state)
    for key, number in sum((_open(history) for history in histories), Counter[Key]()).items():
        if number - shown["unseen"][key] != shown["database"][key]:
            faults.add(f"{key}: {number} open in the history, {shown} in the snapshot")
    return faults


def _faults_of_snapshots(state: Path) -> Iterator[str]:
    """Each file of a snapshot fits its manifest; the current one has a database that fits the
    metrics. Older ones have none.
    """
    current = _current(state)
    for folder in sorted(path.parent for path in (state / FOLDER).glob(f"*/{MANIFEST}")):
        manifest = parse(Manifest, (folder / MANIFEST).read_bytes(), folder.name, MANIFEST)
        for name, piece in manifest.pieces.items():
            is_kept = name != DATABASE or folder == current
            if (folder / name).exists() and sha256((folder / name).read_bytes()) != piece.sha256:
                yield f"{folder / name} is not what the manifest says"
            if is_kept and not (folder / name).exists():
                yield f"{folder / name} is missing"
    if _of_database(current) != _of_metrics(current, "tag_non_compliant_total"):
        yield f"{current}: database and metrics differ"


def _current(state: Path) -> Path:
    """The folder of the current snapshot."""
    pointer = current_in((state / CURRENT).read_bytes()).snapshot
    assert pointer is not None
    return state / FOLDER / pointer.snapshot_id


def _shown(state: Path) -> dict[str, Counter[Key]]:
    """Of the current snapshot."""
    current = _current(state)
    unseen = _of_metrics(current, "tag_compliance_open_findings_unseen")
    return {"database": _of_database(current), "unseen": unseen}


def _of_database(folder: Path) -> Counter[Key]:
    uri = f"{(folder / DATABASE).as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        rows = database.execute("SELECT account_id, rule, count(*) FROM findings GROUP BY 1, 2")
        return Counter({(account, rule): number for account, rule, number in rows})


def _of_metrics(folder: Path, name: str) -> Counter[Key]:
    found = Counter[Key]()
    for sample in Exposition((folder / PLAIN).read_text()).samples:
        if sample.name == name and sample.value:
            labels = sample.labels
            rule = labels.get("rule") or f"required-tag-{labels['tag']}"
            found[labels["account_id"], rule] += int(sample.value)
    return found


def _open(history: AccountHistory) -> Counter[Key]:
    rows = history.tracked.select(["rule", "state"]).to_pylist()
    return Counter((history.account_id, r["rule"]) for r in rows if r["state"] == "open")


def _histories(state: Path) -> list[AccountHistory]:
    tables = HistoryTables(open_storage(str(state)), _no_warning)
    found = [tables.load(account_id) for account_id in tables.account_ids()]
    return [history for history in found if history is not None]


def _day_rows(state: Path, table: str) -> list[dict[str, Any]]:
    paths = sorted((state / "tables" / f"history_{table}").glob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def _no_warning(text: str) -> None:
    raise AssertionError(text)
