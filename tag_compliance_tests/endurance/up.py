"""Runs `tag-compliance up` for a test."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tag_compliance_tests.endurance.processes import alive, descendants
from tag_compliance_tests.support.fetching import fetch
from tag_compliance_tests.support.ports import free_port
from tag_compliance_tests.support.process import Place, Process


@dataclass
class Up:
    """The root process, the ports of the exporter and of Dagster's UI, and the stderr of all."""

    process: Process
    port: int
    ui_port: int
    log: Path

    @property
    def has_snapshot(self) -> bool:
        """Whether a snapshot is served. Raises `AssertionError` if the root process has ended."""
        assert self.process.poll() is None, self.log.read_text()
        return self.answers("/ready", self.port)

    def answers(self, path: str, port: int) -> bool:
        return fetch(f"http://127.0.0.1:{port}{path}") is not None


@contextlib.contextmanager
def start_up(
    place: Place, *flags: str, command: Sequence[str] = ("up",), **environment: str
) -> Iterator[Up]:
    """On free ports; every process ends with the block."""
    port, ui_port = free_port(), free_port()
    log = place.folder / "up.log"
    arguments = ("--host", "127.0.0.1", "--port", str(port), "--ui-port", str(ui_port))
    with log.open("w", encoding="utf-8") as stderr:
        process = place.start(
            *command, *arguments, *flags, environment=environment, stderr=stderr, stdout=stderr
        )
    try:
        yield Up(process, port, ui_port, log)
    finally:
        tree = descendants(process.pid)
        if process.poll() is None:
            process.kill()
        for left in alive(tree):
            with contextlib.suppress(ProcessLookupError):
                os.kill(left.pid, signal.SIGKILL)
        process.wait()
