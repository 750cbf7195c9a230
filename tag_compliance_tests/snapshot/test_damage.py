"""A damaged snapshot is never loaded; the error says what is damaged."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tag_compliance.domain.read_status import Outcome
from tag_compliance.errors import NewerFormat, SnapshotUnreadable
from tag_compliance.snapshot.status import LastScan
from tag_compliance_tests.support.snapshots import (
    NOON,
    exposition_of,
    open_store,
    publish,
    status_of,
)

_fuzzed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one published snapshot."""
    publish(tmp_path, exposition_of(0, 100), status_of())
    return tmp_path


def _piece(folder: Path, name: str) -> Path:
    [found] = folder.glob(f"snapshots/*/{name}")
    return found


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


_DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
    "truncated": _truncate,
    "flipped": _flip,
    "grown": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
}


@pytest.mark.parametrize("damage", _DAMAGE)
@pytest.mark.parametrize("name", ["metrics.txt", "metrics.txt.gz", "snapshot.json"])
def test_the_error_names_the_damaged_file(folder: Path, name: str, damage: str) -> None:
    path = _piece(folder, name)
    _DAMAGE[damage](path)
    cause = "is missing" if damage == "deleted" else "has been altered"
    with pytest.raises(SnapshotUnreadable, match=f"{name} {cause}") as caught:
        open_store(folder).load()
    assert caught.value.snapshot_id == path.parent.name


def _pointer(snapshot_id: str, at: str) -> str:
    pointer = {"snapshot_id": snapshot_id, "scan_started_at": at, "manifest_sha256": ""}
    return json.dumps({"snapshot": pointer})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '{"snapshot": {"snapshot_id": "x"}}',
        _pointer("../../etc", "2026-05-04T12:00:00Z"),
        _pointer("a\0b", "2026-05-04T12:00:00Z"),
        _pointer("x" * 300, "2026-05-04T12:00:00Z"),
        _pointer("20260504T120000.000000Z-0b5c1e", "2026-05-04T12:00:00"),
    ],
)
def test_a_malformed_pointer_is_an_error(folder: Path, text: str) -> None:
    (folder / "current.json").write_text(text)
    with pytest.raises(SnapshotUnreadable, match=r"current\.json is malformed"):
        open_store(folder).load()


def _forged(folder: Path, manifest: bytes) -> None:
    """Replaces the manifest, and its hash in the pointer."""
    _piece(folder, "snapshot.json").write_bytes(manifest)
    pointer = json.loads((folder / "current.json").read_text())
    pointer["snapshot"]["manifest_sha256"] = hashlib.sha256(manifest).hexdigest()
    (folder / "current.json").write_text(json.dumps(pointer))


def _changed(folder: Path, **changes: Any) -> bytes:
    manifest = json.loads(_piece(folder, "snapshot.json").read_text())
    return json.dumps({**manifest, **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"format": 3, "status": "of another shape"}, "format 3, this program reads up to 2"),
        ({"status": {}}, "is malformed"),
        ({"snapshot_id": "20260504T120000.000000Z-0b5c1e"}, "is another snapshot's"),
        ({"pieces": {}}, r"metrics\.txt has been altered \(1790 bytes, none expected\)"),
    ],
)
def test_a_manifest_that_does_not_match_is_an_error(
    folder: Path, changes: dict[str, Any], cause: str
) -> None:
    _forged(folder, _changed(folder, **changes))
    with pytest.raises(SnapshotUnreadable, match=cause):
        open_store(folder).load()


def test_a_pointer_of_a_newer_format_is_an_error_that_asks_for_an_upgrade(folder: Path) -> None:
    (folder / "current.json").write_text('{"format": 7, "snapshot": "elsewhere"}')
    with pytest.raises(SnapshotUnreadable, match="format 7, this program reads up to 2; upgrade"):
        open_store(folder).load()


def test_a_pointer_of_a_newer_format_is_never_replaced_and_nothing_is_deleted(folder: Path) -> None:
    (folder / "current.json").write_text('{"format": 7, "snapshot": "elsewhere"}')
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    store = open_store(folder)
    for change in (lambda: store.publish(exposition_of(1), status_of(1)), lambda: store.retain(1)):
        with pytest.raises(NewerFormat):
            change()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_with_a_damaged_pointer_retention_keeps_every_complete_snapshot(folder: Path) -> None:
    publish(folder, exposition_of(1), status_of(1))
    (folder / "current.json").write_text("{")
    before = sorted(folder.rglob("snapshots/*/*"))
    assert open_store(folder).retain(1) == 0
    assert sorted(folder.rglob("snapshots/*/*")) == before


def test_the_next_snapshot_replaces_all_damaged_files(folder: Path) -> None:
    for path in (folder / "current.json", *folder.glob("snapshots/*/*")):
        path.write_bytes(b"?")
    publish(folder, exposition_of(1), status_of(1))
    snapshot = open_store(folder).load()
    assert snapshot is not None
    assert snapshot.plain == exposition_of(1)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["format", "snapshot", "snapshot_id", "last_scan", "pieces", "status"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
_documents = st.one_of(st.binary(max_size=60), _json.map(lambda value: json.dumps(value).encode()))


_values = st.one_of(
    st.text(max_size=120),
    st.integers(),
    st.floats(),
    st.datetimes().map(lambda at: at.isoformat()),
    st.datetimes().map(lambda at: at.isoformat() + "+14:00"),
)


def _with_value(folder: Path, key: str, value: object) -> bytes:
    """The pointer with another value for a key, wherever it has that key."""
    current = json.loads((folder / "current.json").read_text())
    for part in ("snapshot", "last_scan"):
        if key in current[part]:
            current[part][key] = value
    return json.dumps(current).encode()


_KEYS = ["snapshot_id", "scan_started_at", "manifest_sha256", "started_at", "ended_at"]


@_fuzzed
@given(_documents | st.tuples(st.sampled_from(_KEYS), _values))
def test_a_pointer_with_any_content_raises_only_snapshot_unreadable_and_can_be_replaced(
    folder: Path, content: bytes | tuple[str, object]
) -> None:
    publish(folder, exposition_of(0), status_of())
    data = content if isinstance(content, bytes) else _with_value(folder, *content)
    (folder / "current.json").write_bytes(data)
    store = open_store(folder)
    ended = LastScan(NOON, NOON, Outcome.NOTHING, ())
    for call in (store.load, store.look, lambda: store.record(ended), lambda: store.retain(9)):
        with contextlib.suppress(SnapshotUnreadable):
            call()
    with contextlib.suppress(NewerFormat):
        store.publish(exposition_of(1), status_of(1))
    (folder / "current.json").unlink()


@_fuzzed
@given(_documents)
def test_any_bytes_in_the_manifest_are_an_error(folder: Path, data: bytes) -> None:
    _forged(folder, data)
    with pytest.raises(SnapshotUnreadable):
        open_store(folder).load()
