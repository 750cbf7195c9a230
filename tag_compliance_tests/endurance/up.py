"""`tag-compliance up` as a process tree."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tag_compliance_tests.endurance.processes import alive, descendants
from tag_compliance_tests.support.loopback import fetch, free_port
from tag_compliance_tests.support.process import Place, Process


@dataclass
class Up:
    """The root process, the ports of the exporter and of Dagster's UI, the log of all processes."""

    process: Process
    port: int
    ui_port: int
    log: Path

    @property
    def has_snapshot(self) -> bool:
        """Whether a snapshot is served; fails if the root process has ended."""
        assert self.process.poll() is None, self.log.read_text()
        return self.answers("/ready", self.port)

    def answers(self, path: str, port: int) -> bool:
        return fetch(f"http://127.0.0.1:{port}{path}") is not None


@contextlib.contextmanager
def start_up(
    place: Place, *flags: str, command: Sequence[str] = ("up",), **environment: str
) -> Iterator[Up]:
    """Starts it on free ports; kills what is left of it after the block."""
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
