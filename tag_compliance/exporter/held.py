"""Bytes that the kernel holds for the exporter, so that it can send them without Python."""

from __future__ import annotations

import fcntl
import os
import tempfile
import weakref

_SEALABLE = hasattr(os, "memfd_create")  # on Linux


class HeldBytes:
    """Immutable bytes in an anonymous file in memory; gone when the last reference is.

    A copy rather than the storage's own file: what was proven whole stays whole, whatever becomes
    of that file. Not counted in the process's resident memory, but in its container's.
    """

    def __init__(self, data: bytes | memoryview) -> None:
        self.size = len(data)
        self.descriptor = _anonymous_file()
        weakref.finalize(self, os.close, self.descriptor)
        _write(self.descriptor, memoryview(data))

    def read(self, start: int, most: int) -> bytes:
        return os.pread(self.descriptor, most, start)


def _anonymous_file() -> int:
    if _SEALABLE:
        return os.memfd_create("exposition", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
    if _SEALABLE:
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
