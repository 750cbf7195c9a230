"""The files of a snapshot and the pointer to it: names, forms, and how they are read.

current.json                       which snapshot is current, and how the newest scan ended
snapshots/<id>/metrics.txt         the exposition
snapshots/<id>/metrics.txt.gz      the same, compressed
snapshots/<id>/snapshot.json       its state, and the size and SHA-256 of the two; written last
"""

from __future__ import annotations

import hashlib
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, ValidationError

from tag_compliance.errors import SnapshotUnreadable
from tag_compliance.snapshot.status import LastScan, ScanStatus

FORMAT = 1
"""Of the files; a reader refuses a newer one, since it cannot know what changed."""

PLAIN, GZIP = "metrics.txt", "metrics.txt.gz"
CURRENT, MANIFEST = "current.json", "snapshot.json"
FOLDER = "snapshots"

# It becomes a part of a path, wherever it was read.
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
    """When its scan started, in a form that sorts."""
    return snapshot_id.partition("-")[0]


def path_of(snapshot_id: str, name: str) -> str:
    return f"{FOLDER}/{snapshot_id}/{name}"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parse(kind: type[_FileT], data: bytes, snapshot_id: str, name: str) -> _FileT:
    """The format is looked at first: what a newer one holds need not have this one's shape."""
    try:
        found = _File.model_validate_json(data).format
        if found > FORMAT:
            cause = f"{name} has format {found}, this program reads up to {FORMAT}; upgrade it"
            raise SnapshotUnreadable(snapshot_id, cause)
        return kind.model_validate_json(data)
    except ValidationError as error:
        cause = f"{name} has not the expected form"
        raise SnapshotUnreadable(snapshot_id, cause) from error
