"""Programs in processes of their own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tag_compliance_tests.fake_aws import FakeAws
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.environment import isolated
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS

PROGRAM = (sys.executable, "-m", "tag_compliance")


@dataclass
class Place:
    """A working folder, and the environment of what runs in it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @classmethod
    def create(cls, folder: Path, fake: FakeAws | None = None, **settings: Any) -> Place:
        """With a configuration of the fake's accounts, and only the fake as AWS."""
        home, scratch = folder / "home", folder / "tmp"
        home.mkdir(parents=True)
        scratch.mkdir()
        environment = isolated(os.environ, folder) | {"HOME": str(home), "TMPDIR": str(scratch)}
        if fake is not None:
            environment |= fake.environment()
            write_config(folder, fake.organization, **settings)
        return cls(folder, environment)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """The program in its own process and session; `environment` adds to the place's."""
        added: Mapping[str, str] = options.pop("environment", {})
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env={**self.environment, **added},
            text=True,
            start_new_session=True,
            preexec_fn=_signals_as_in_a_shell,  # noqa: PLW1509 - tests start no threads that matter
            **options,
        )

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, environment=environment)
        try:
            out, err = process.communicate(timeout=DEADLINE_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


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
    """The URL at which an exporter listens; reads its log to the line that says so."""
    for line in log:
        if "listening" in line and (url := re.search(r'https?://[^\s"]+', line)):
            return url[0]
    raise AssertionError("the exporter ended before it listened")


def _signals_as_in_a_shell() -> None:
    # A test runner in the background of a shell ignores Ctrl-C, and its children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
