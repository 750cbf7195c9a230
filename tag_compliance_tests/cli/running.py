"""The program as a person runs it: a folder with a configuration, an environment, a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tag_compliance_tests.fake_aws import FakeAws, Organization

DEADLINE_SECONDS = 60.0
PROGRAM = (sys.executable, "-m", "tag_compliance")

_FOREIGN = ("AWS_", "TAG_COMPLIANCE_", "DAGSTER_")


def write_config(folder: Path, organization: Organization, **settings: Any) -> Path:
    """`config.yaml` for all accounts of the organization; its storage is the folder's `state`."""
    path = folder / "config.yaml"
    values: dict[str, Any] = {
        "aws_account_matrix": [
            {"account_id": account.account_id, "regions": list(account.regions)}
            for account in organization
        ],
        "REQUIRED_TAGS": ["Owner", "Environment"],
        "assume_role_name_template": "terraform",
        **settings,
    }
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


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
        """With the fake's accounts configured; nothing of this machine's AWS settings gets in."""
        home, scratch = folder / "home", folder / "tmp"
        home.mkdir(parents=True)
        scratch.mkdir()
        inherited = {n: v for n, v in os.environ.items() if not n.startswith(_FOREIGN)}
        isolation = {
            "HOME": str(home),
            "TMPDIR": str(scratch),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "*",
        }
        place = cls(folder, inherited | isolation | (fake.environment() if fake else {}))
        if fake is not None:
            write_config(folder, fake.organization, **settings)
        return place

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """The program in a process and a session of its own; the environment can be added to."""
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


def told(err: str) -> list[str]:
    """What stands on stderr for a person, the log aside."""
    return [line for line in err.splitlines() if line.startswith("tag-compliance: ")]


def eventually(condition: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> None:
    """Returns as soon as the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition has not come true"
        time.sleep(0.05)


def _signals_as_in_a_shell() -> None:
    # A test runner in the background of a shell ignores Ctrl-C, and its children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
