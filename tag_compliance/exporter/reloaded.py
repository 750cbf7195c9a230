"""Something read from files and read anew when they change; a broken change leaves it as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from tag_compliance.errors import BadConfiguration, Fault
from tag_compliance.logs import get_logger

logger = get_logger(__name__)

T_co = TypeVar("T_co", covariant=True)
_Mark = tuple[tuple[int, int, int], ...]


class Reloaded(Generic[T_co]):
    """`value` is always a good one: the newest that could be read. `poll` never raises."""

    def __init__(self, what: str, files: dict[str, Path], read: Callable[[], T_co]) -> None:
        """`files` by the flag that named them. Raises `BadConfiguration` where they are no good."""
        self._what = what
        self._files = files
        self._read = read
        self.fault: str | None = None
        try:
            self._mark = self._marked()
            self.value = read()
        except (OSError, ValueError) as error:
            raise BadConfiguration(self._faults(error)) from error

    def poll(self) -> None:
        try:
            mark = self._marked()
            if mark == self._mark and self.fault is None:
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
            self._mark, self.fault = mark, None
            logger.info("file re-read", what=self._what)

    def _marked(self) -> _Mark:
        stats = [path.stat() for path in self._files.values()]
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)

    def _faults(self, error: OSError | ValueError) -> tuple[Fault, ...]:
        """On the file that the error names, or on all; never with a word of what is in it."""
        named = {f: p for f, p in self._files.items() if str(p) == getattr(error, "filename", None)}
        cause = getattr(error, "strerror", None) or str(error)
        return tuple(
            Fault("command line", flag, str(path), f"{self._what} cannot be read: {cause}")
            for flag, path in (named or self._files).items()
        )
