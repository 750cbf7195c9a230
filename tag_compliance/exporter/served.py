"""The snapshot that is held in memory, ready to be sent with something behind it."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.errors import SnapshotUnreadable
from tag_compliance.snapshot.appendable_gzip import Appendable, compress
from tag_compliance.snapshot.store import GZIP, Snapshot


@dataclass(frozen=True, slots=True)
class Exposition:
    """An exposition in both encodings that a scraper may ask for."""

    plain: bytes
    gzip: Appendable

    @classmethod
    def empty(cls) -> Exposition:
        return cls(b"", Appendable.of(compress(b"")))

    def followed_by(self, more: bytes, *, gzip: bool) -> tuple[memoryview, bytes]:
        """The two pieces of one answer: the first is shared by all answers, the second its own."""
        if gzip:
            return self.gzip.body, self.gzip.tail(more)
        return memoryview(self.plain), more


@dataclass(frozen=True, slots=True)
class Served:
    """A snapshot proven whole, and its exposition."""

    snapshot: Snapshot
    exposition: Exposition

    @classmethod
    def of(cls, snapshot: Snapshot) -> Served:
        """Raises `SnapshotUnreadable` where the compressed form cannot be continued."""
        try:
            return cls(snapshot, Exposition(snapshot.plain, Appendable.of(snapshot.gzip)))
        except ValueError as error:
            raise SnapshotUnreadable(snapshot.snapshot_id, f"{GZIP} is {error}") from error
