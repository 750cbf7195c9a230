"""Gzip data that can be served unchanged, or continued with more data in the same member.

The exporter adds its own metrics to a snapshot that was compressed earlier. Two consecutive members
would be legal (RFC 1952, 2.2), but curl and browsers stop after the first. So the body ends on a
byte boundary (`Z_FULL_FLUSH`, RFC 1951) and an empty last block closes it. To append, that block
and the trailer are replaced.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

# RFC 1952, 2.3: magic, deflate, no flags, no time (so that equal input gives equal bytes), no OS.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x03\x00"
_TRAILER_BYTES = 8
_LEVEL = 6


def compress(data: bytes, level: int = _LEVEL) -> bytes:
    """`data` as one gzip member that `Appendable` can continue."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)
    return b"".join((_HEADER, body, _LAST_BLOCK, _trailer(zlib.crc32(data), len(data))))


@dataclass(frozen=True, slots=True)
class Appendable:
    """A member that `compress` made, to be continued with more data."""

    body: memoryview
    checksum: int
    size: int

    @classmethod
    def of(cls, member: bytes) -> Appendable:
        """Raises `ValueError` for a member that `compress` did not make."""
        end = len(member) - _TRAILER_BYTES
        if member[: len(_HEADER)] != _HEADER or member[end - 2 : end] != _LAST_BLOCK:
            raise ValueError("not made by appendable_gzip.compress")
        checksum = int.from_bytes(member[end : end + 4], "little")
        size = int.from_bytes(member[end + 4 :], "little")
        return cls(memoryview(member)[: end - len(_LAST_BLOCK)], checksum, size)

    def tail(self, more: bytes) -> bytes:
        """The bytes after `body` of a member with the old data followed by `more`."""
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        ending = deflate.compress(more) + deflate.flush(zlib.Z_FINISH)
        return ending + _trailer(zlib.crc32(more, self.checksum), self.size + len(more))


def _trailer(checksum: int, size: int) -> bytes:
    return checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
