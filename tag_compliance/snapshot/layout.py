"""The files of a snapshot and the pointer to it: their names, their formats, their parsing.

current.json                       which snapshot is current, and how the newest scan ended
snapshots/<id>/metrics.txt         the exposition
snapshots/<id>/metrics.txt.gz      the same, compressed
snapshots/<id>/snapshot.json       the status, and size and SHA-256 of the other two; written last
"""

from __future__ import annotations

import hashlib
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, ValidationError

from tag_compliance.errors import SnapshotUnreadable
from tag_compliance.snapshot.status import LastScan, ScanStatus

FORMAT = 1
"""The version of the file formats. A reader rejects a newer version, which it does not know."""

PLAIN, GZIP = "metrics.txt", "metrics.txt.gz"
CURRENT, MANIFEST = "current.json", "snapshot.json"
FOLDER = "snapshots"

# The id becomes part of a path, so an id from a damaged file must not contain a slash.
SnapshotId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,99}$")]

_FileT = TypeVar("_FileT", bound="_File")


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)
    format: int = FORMAT


class Pointer(BaseModel):
    model_config = ConfigDict(frozen=True)
    snapshot_id: SnapshotId
    scan_started_at: AwareDatetime
    manifest_sha256: str


class Current(_File):
    snapshot: Pointer | None = None
    last_scan: LastScan | None = None


class Piece(BaseModel):
    bytes: int
    sha256: str


class Manifest(_File):
    snapshot_id: SnapshotId
    pieces: dict[str, Piece]
    status: ScanStatus


def moment_of(snapshot_id: str) -> str:
    """The start time of the snapshot's scan, as text that sorts by time."""
    return snapshot_id.partition("-")[0]


def path_of(snapshot_id: str, name: str) -> str:
    return f"{FOLDER}/{snapshot_id}/{name}"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parse(kind: type[_FileT], data: bytes, snapshot_id: str, name: str) -> _FileT:
    """Checks the format first: a newer one can have another shape.

    Raises `SnapshotUnreadable`.
    """
    try:
        found = _File.model_validate_json(data).format
        if found > FORMAT:
            cause = f"{name} has format {found}, this program reads up to {FORMAT}; upgrade it"
            raise SnapshotUnreadable(snapshot_id, cause)
        return kind.model_validate_json(data)
    except ValidationError as error:
        cause = f"{name} is malformed"
        raise SnapshotUnreadable(snapshot_id, cause) from error
