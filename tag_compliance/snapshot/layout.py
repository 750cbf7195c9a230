"""The files of a snapshot and the pointer to it: their names, their formats, their parsing.

current.json                       which snapshot is current, and how the newest scan ended
snapshots/<id>/metrics.txt         the exposition
snapshots/<id>/metrics.txt.gz      the same, compressed
snapshots/<id>/findings.sqlite     the findings database; only the newest snapshots have it
snapshots/<id>/snapshot.json       the status, and size and SHA-256 of the others; written last
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)

from tag_compliance.errors import NewerFormat, SnapshotUnreadable
from tag_compliance.snapshot.status import LastScan, ScanStatus

FORMAT = 2
"""The version of the file formats. A reader rejects a newer version, which it does not know, and
converts an older one. Version 2 has the four numbers of `domain.counts` in a snapshot's status.
"""

PLAIN, GZIP, DATABASE = "metrics.txt", "metrics.txt.gz", "findings.sqlite"
CURRENT, MANIFEST = "current.json", "snapshot.json"
FOLDER = "snapshots"
MOMENT = "%Y%m%dT%H%M%S.%fZ"
"""The form of the time in a snapshot's id."""

_ID = r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{6}"
# The id becomes part of a path, so an id from a damaged file must not contain a slash.
SnapshotId = Annotated[str, StringConstraints(pattern=f"^{_ID}$")]

PIECE_PATH = re.compile(
    f"{FOLDER}/({_ID})/({'|'.join(map(re.escape, (PLAIN, GZIP, DATABASE, MANIFEST)))})"
)
"""The path of a file of a snapshot; its groups are the id and the name."""

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

    @model_validator(mode="before")
    @classmethod
    def _of_version_1(cls, data: Any) -> Any:
        """Version 1 has the counted and the compliant resources of the whole scan only.

        No region has counts then, so that nothing is shown that version 1 does not know.
        """
        if not isinstance(data, dict) or data.get("format", FORMAT) != 1:
            return data
        status = dict(data["status"])
        counted, compliant = status.pop("resources"), status.pop("compliant")
        status["counts"] = {"returned": counted, "counted": counted, "compliant": compliant}
        status["accounts"] = [
            {**account, "regions": [{**region, "counts": None} for region in account["regions"]]}
            for account in status["accounts"]
        ]
        return {**data, "status": status}


def current_in(data: bytes | None) -> Current:
    """The content of `current.json`; an empty one if it does not exist.

    Raises `SnapshotUnreadable`.
    """
    return Current() if data is None else parse(Current, data, "", CURRENT)


def path_of(snapshot_id: str, name: str) -> str:
    return f"{FOLDER}/{snapshot_id}/{name}"


def piece_of(path: Path) -> Piece:
    """Size and hash of a local file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return Piece(bytes=file.tell(), sha256=digest.hexdigest())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parse(kind: type[_FileT], data: bytes, snapshot_id: str, name: str) -> _FileT:
    """Checks the format first: a newer one can have another shape.

    Raises `SnapshotUnreadable`, and `NewerFormat` for a newer one.
    """
    try:
        found = _File.model_validate_json(data).format
        if found > FORMAT:
            cause = f"{name} has format {found}, this program reads up to {FORMAT}; upgrade it"
            raise NewerFormat(snapshot_id, cause)
        return kind.model_validate_json(data)
    except (ValidationError, KeyError, TypeError) as error:
        cause = f"{name} is malformed"
        raise SnapshotUnreadable(snapshot_id, cause) from error
