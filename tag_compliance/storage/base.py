"""The storage that the pipeline and the exporter share, as an interface.

Names are relative, with forward slashes. An object appears completely or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

OWN_FOLDERS = ("running", "snapshots", "tables")
OWN_NAMES = re.compile(
    r"current\.json"
    r"|running/[0-9a-f-]{36}"
    r"|snapshots/[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{6}/[a-z_.]+"
    r"|tables/([a-z_]+/)?[0-9a-z_-]+(\.[a-z]+)?"
)
"""The names of the objects that this program writes: nothing else is ever deleted."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes of an object, and a version that changes when they change."""

    data: bytes
    version: str


class Storage(Protocol):
    """A folder or a bucket. Every method raises `StorageRefused` if it fails."""

    @property
    def uri(self) -> str:
        """The folder or bucket, as it is shown to a person."""
        ...

    def read(self, name: str, known: Stored | None = None) -> Stored | None:
        """The object, or None if it does not exist.

        Returns `known` itself, without reading the bytes again, if the object has not changed.
        """
        ...

    def write(self, name: str, data: bytes) -> None:
        """Creates or replaces the object."""
        ...

    def write_file(self, name: str, source: Path) -> None:
        """Creates or replaces the object with the content of a local file, however large it is."""
        ...

    def local_file(self, name: str, copy: Callable[[], Path]) -> Path | None:
        """A local file with the content of the object; None if it does not exist.

        This is the object's own file in a folder. A bucket's object is streamed to the path that
        `copy` returns, where it appears completely or not at all.
        """
        ...

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        """Replaces the object with what `decide` returns for its bytes, atomically.

        `decide` is called again if another writer has changed the object meanwhile; None leaves it
        as it is. Returns whether the object was replaced.
        """
        ...

    def names(self, prefix: str, unchanged_seconds: float = 0.0) -> list[str]:
        """The names of the objects below the prefix that have not changed for so long, sorted."""
        ...

    def delete(self, name: str) -> None:
        """Deletes the object, if it exists."""
        ...

    def sweep(self) -> int:
        """Deletes the unfinished files of writers that died; returns their number."""
        ...
