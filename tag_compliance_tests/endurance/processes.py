"""Processes of the system: their descendants, memory and open files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    state: str
    command: str

    @property
    def resident_bytes(self) -> int:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    @property
    def open_files(self) -> int:
        with contextlib.suppress(OSError):
            return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
        return 0


def all_processes() -> Iterator[Process]:
    """Processes that run; a zombie does not count."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The name is in brackets and may contain any characters, brackets included.
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            if state not in "ZX":
                yield Process(int(folder.name), int(parent), state, command)


def descendants(pid: int) -> list[Process]:
    """The children of a running process, their children, and so on."""
    everyone = list(all_processes())
    found: list[Process] = []
    parents = {pid}
    while parents:
        generation = [process for process in everyone if process.parent in parents]
        found += generation
        parents = {process.pid for process in generation}
    return found


def alive(processes: list[Process]) -> list[Process]:
    """Those that still run; another process with the same number does not count."""
    now = {process.pid: process.command for process in all_processes()}
    return [process for process in processes if now.get(process.pid) == process.command]
