"""A value read from files, and read again when they change. A faulty change keeps the old value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from tag_compliance.errors import BadConfiguration, Fault
from tag_compliance.logs import get_logger

logger = get_logger(__name__)

T_co = TypeVar("T_co", covariant=True)
_Version = tuple[tuple[int, int, int], ...]
"""Inode, modification time and size of each file."""


class FileReloader(Generic[T_co]):
    """`value` is the newest one that could be read. `poll` never raises."""

    def __init__(self, what: str, files: dict[str, Path], read: Callable[[], T_co]) -> None:
        """`files` by the flag that names them. Raises `BadConfiguration` if `read` fails."""
        self._what = what
        self._files = files
        self._read = read
        self.fault: str | None = None
        try:
            self._version = self._current_version()
            self.value = read()
        except (OSError, ValueError) as error:
            raise BadConfiguration(self._faults(error)) from error

    def poll(self) -> None:
        try:
            version = self._current_version()
            if version == self._version and self.fault is None:
                return
            self.value = self._read()
        except (OSError, ValueError) as error:
            fault = "; ".join(str(fault) for fault in self._faults(error))
            if fault != self.fault:
                logger.warning(
                    "changed file cannot be used, the previous version stays in use",
                    what=self._what,
                    cause=fault,
                )
            self.fault = fault
        else:
            self._version, self.fault = version, None
            logger.info("file re-read", what=self._what)

    def _current_version(self) -> _Version:
        stats = [path.stat() for path in self._files.values()]
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)

    def _faults(self, error: OSError | ValueError) -> tuple[Fault, ...]:
        """A fault for the file that the error names, or for every file. Never quotes contents."""
        named = {f: p for f, p in self._files.items() if str(p) == getattr(error, "filename", None)}
        cause = getattr(error, "strerror", None) or str(error)
        return tuple(
            Fault("command line", flag, str(path), f"{self._what} cannot be read: {cause}")
            for flag, path in (named or self._files).items()
        )
