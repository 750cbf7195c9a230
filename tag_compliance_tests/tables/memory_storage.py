"""A storage in memory, for tests that write thousands of objects."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from tag_compliance.storage.base import Stored


class MemoryStorage:
    """Implements `Storage` for one thread. `before` is called before each read and each change."""

    uri = "memory"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.before: Callable[[str, str], object] = lambda _operation, _name: None

    def read(self, name: str, known: Stored | None = None) -> Stored | None:
        self.before("read", name)
        data = self.objects.get(name)
        return None if data is None else Stored(data, hashlib.sha256(data).hexdigest())

    def write(self, name: str, data: bytes) -> None:
        self.before("write", name)
        self.objects[name] = data

    def write_file(self, name: str, source: Path) -> None:
        self.write(name, source.read_bytes())

    def local_file(self, name: str, copy: Callable[[], Path]) -> Path | None:
        stored = self.read(name)
        if stored is None:
            return None
        path = copy()
        path.write_bytes(stored.data)
        return path

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        self.before("update", name)
        data = decide(self.objects.get(name))
        if data is not None:
            self.objects[name] = data
        return data is not None

    def names(self, prefix: str, unchanged_seconds: float = 0.0) -> list[str]:
        return sorted(name for name in self.objects if name.startswith(prefix))

    def delete(self, name: str) -> None:
        self.before("delete", name)
        self.objects.pop(name, None)

    def sweep(self) -> int:
        return 0
