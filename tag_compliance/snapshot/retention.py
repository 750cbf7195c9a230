"""Deletes snapshots, and nothing else: files of other names are ignored."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from tag_compliance.domain.clock import is_ahead
from tag_compliance.snapshot.layout import (
    DATABASE,
    FOLDER,
    GZIP,
    MANIFEST,
    MOMENT,
    PIECE_PATH,
    PLAIN,
    path_of,
)
from tag_compliance.storage.base import Storage

_ABANDONED_SECONDS = 3600.0
"""A snapshot that is unfinished for so long has no writer any more: writing takes minutes."""


def pieces_of(storage: Storage, unchanged_seconds: float = 0.0) -> dict[str, set[str]]:
    """The names of the files of each snapshot that have not changed for so long."""
    found = defaultdict[str, set[str]](set)
    for path in storage.names(f"{FOLDER}/", unchanged_seconds):
        if piece := PIECE_PATH.fullmatch(path):
            found[piece[1]].add(piece[2])
    return found


def delete_snapshot(storage: Storage, snapshot_id: str) -> None:
    # The manifest first: without it, the rest counts as unfinished if this process dies here.
    for name in (MANIFEST, PLAIN, GZIP, DATABASE):
        storage.delete(path_of(snapshot_id, name))


def delete_leftovers(storage: Storage, current: str | None) -> None:
    """Deletes the remains of killed writers, except of those that may still be writing."""
    storage.sweep()
    unfinished = {i: n for i, n in pieces_of(storage).items() if MANIFEST not in n and i != current}
    unchanged = pieces_of(storage, _ABANDONED_SECONDS) if unfinished else {}
    for snapshot_id, names in unfinished.items():
        if names == unchanged.get(snapshot_id):
            delete_snapshot(storage, snapshot_id)


def delete_databases(storage: Storage, current: str | None, newest: int) -> None:
    """Deletes all but the newest findings databases; that of the current snapshot stays."""
    ids = {id_ for id_, names in pieces_of(storage).items() if DATABASE in names} - {current}
    for snapshot_id in sorted(ids, reverse=True)[max(0, newest - 1) :]:
        storage.delete(path_of(snapshot_id, DATABASE))


def delete_older(storage: Storage, current: str | None, newest: int) -> int:
    """Deletes snapshots of earlier scans; the current one is the first of the `newest` that stay.

    Returns the number of deleted snapshots. Snapshots of the same time or later may be about to
    become current, unless their time is ahead of now. One that is older and has no manifest cannot
    become current any more.
    """
    if current is None or is_ahead(moment_of(current)):  # a later snapshot can have an earlier time
        return 0
    pieces = pieces_of(storage)
    # Compares only the times: two scans that share an account's data can have the same one.
    older = {id_ for id_ in pieces if moment_of(id_) < moment_of(current)}
    complete = sorted((id_ for id_ in older if MANIFEST in pieces[id_]), reverse=True)
    ahead = {id_ for id_ in pieces if is_ahead(moment_of(id_))}
    deletable = older.difference(complete[: max(0, newest - 1)]) | ahead
    for snapshot_id in deletable:
        delete_snapshot(storage, snapshot_id)
    return len(deletable)


def moment_of(snapshot_id: str) -> datetime:
    """The start time of the snapshot's scan, or a later one if the clock went back.

    A time that does not exist, in the name of a foreign folder, counts as the earliest.
    """
    try:
        return datetime.strptime(snapshot_id.partition("-")[0], MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
