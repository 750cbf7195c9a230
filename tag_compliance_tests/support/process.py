"""Programs that run in their own processes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tag_compliance_tests.fake_aws import FakeAws
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.environment import isolated
from tag_compliance_tests.support.fork_server import prepare_child
from tag_compliance_tests.support.forked import ForkedProcess, ForkServer, Stream
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS

PROGRAM = (sys.executable, "-m", "tag_compliance")
Process = subprocess.Popen[str] | ForkedProcess

_FORKED = {"scan", "check-config", "doctor"}


@dataclass
class Place:
    """A working folder, and the environment of what runs in it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    forks: ForkServer | None = None

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @classmethod
    def create(
        cls,
        folder: Path,
        fake: FakeAws | None = None,
        forks: ForkServer | None = None,
        **settings: Any,
    ) -> Place:
        """With a configuration of the fake's accounts, and only the fake as AWS."""
        home, scratch = folder / "home", folder / "tmp"
        home.mkdir(parents=True)
        scratch.mkdir()
        environment = isolated(os.environ, folder) | {"HOME": str(home), "TMPDIR": str(scratch)}
        if fake is not None:
            environment |= fake.environment()
            write_config(folder, fake.organization, **settings)
        return cls(folder, environment, forks)

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str] = MappingProxyType({}),
        stdout: Stream = subprocess.PIPE,
        stderr: Stream = subprocess.PIPE,
        file_bytes: int = 0,
    ) -> Process:
        """The program in its own process and session; `environment` adds to the place's.

        With a fork server, commands that end by themselves are forked. Files that the program
        writes may have at most `file_bytes`, unless that is 0.
        """
        variables = {**self.environment, **environment}
        if self.forks and arguments[0] in _FORKED:
            return self.forks.start(arguments, self.folder, variables, stdout, stderr, file_bytes)
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=variables,
            stdout=stdout,
            stderr=stderr,
            text=True,
            start_new_session=True,
            preexec_fn=partial(prepare_child, file_bytes),  # noqa: PLW1509 - no thread matters here
        )

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, environment=environment)
        try:
            out, err = process.communicate(timeout=DEADLINE_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return subprocess.CompletedProcess(arguments, process.wait(), out, err)


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Any program until the block is left; its output goes to `log`. Options are Popen's."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(DEADLINE_SECONDS)
            finally:
                process.kill()
                process.wait()


def listening_url(log: Iterable[str]) -> str:
    """The URL on which an exporter listens, from its log."""
    for line in log:
        if "listening" in line and (url := re.search(r'https?://[^\s"]+', line)):
            return url[0]
    raise AssertionError("the exporter ended before it listened")
