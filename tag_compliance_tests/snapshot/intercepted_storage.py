"""A storage in which something happens at a chosen call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tag_compliance.storage.base import Storage, Stored


class InterceptedStorage:
    """Passes each call to the storage `behind`; before a read or a change it calls `before`."""

    def __init__(self, behind: Storage, before: Callable[[str, str], object]) -> None:
        self._behind = behind
        self._before = before

    @property
    def uri(self) -> str:
        return self._behind.uri

    def read(self, name: str, known: Stored | None = None) -> Stored | None:
        self._before("read", name)
        return self._behind.read(name, known)

    def write(self, name: str, data: bytes) -> None:
        self._before("write", name)
        self._behind.write(name, data)

    def write_file(self, name: str, source: Path) -> None:
        self._before("write", name)
        self._behind.write_file(name, source)

    def local_file(self, name: str, copy: Callable[[], Path]) -> Path | None:
        self._before("read", name)
        return self._behind.local_file(name, copy)

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        self._before("update", name)
        return self._behind.update(name, decide)

    def names(self, prefix: str, unchanged_seconds: float = 0.0) -> list[str]:
        return self._behind.names(prefix, unchanged_seconds)

    def delete(self, name: str) -> None:
        self._before("delete", name)
        self._behind.delete(name)

    def sweep(self) -> int:
        return self._behind.sweep()
