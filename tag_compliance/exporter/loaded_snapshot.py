"""The snapshot in memory, ready to be sent with the exporter's own metrics appended."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.errors import SnapshotUnreadable
from tag_compliance.snapshot.appendable_gzip import Appendable, compress
from tag_compliance.snapshot.layout import GZIP
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance.snapshot.store import Snapshot


@dataclass(frozen=True, slots=True)
class Exposition:
    """An exposition in both encodings that a scraper may request."""

    plain: bytes
    gzip: Appendable

    @classmethod
    def of(cls, plain: bytes, gzip: bytes) -> Exposition:
        """Raises ValueError if nothing can be appended to the compressed form."""
        return cls(plain, Appendable.of(gzip))

    @classmethod
    def empty(cls) -> Exposition:
        return cls.of(b"", compress(b""))

    def followed_by(self, more: bytes, *, gzip: bool) -> tuple[memoryview, bytes]:
        """The two parts of a response body: the first is shared by all responses, not copied."""
        return (self.gzip.body, self.gzip.tail(more)) if gzip else (memoryview(self.plain), more)


@dataclass(frozen=True, slots=True)
class LoadedSnapshot:
    """A verified snapshot and its exposition."""

    snapshot_id: str
    status: ScanStatus
    exposition: Exposition

    @classmethod
    def of(cls, snapshot: Snapshot) -> LoadedSnapshot:
        """Raises `SnapshotUnreadable` if nothing can be appended to the compressed form."""
        try:
            exposition = Exposition.of(snapshot.plain, snapshot.gzip)
        except ValueError as error:
            raise SnapshotUnreadable(snapshot.snapshot_id, f"{GZIP} is {error}") from error
        return cls(snapshot.snapshot_id, snapshot.status, exposition)
