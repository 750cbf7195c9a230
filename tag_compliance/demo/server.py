"""The simulated AWS as the demo holds it: a child process, its address, and its environment."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tag_compliance.demo.organization import GLOBAL_REGION
from tag_compliance.errors import TagComplianceError

__all__ = ["SimulatedAws", "SimulationFailed"]

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]

# moto has variables of its own; MOTO_ACCOUNT_ID for one would put all accounts' resources into one.
_FOREIGN_PREFIXES = ("AWS_", "MOTO_", "TEST_SERVER_MODE", "TEST_PROXY_MODE")


class SimulationFailed(TagComplianceError):
    """The simulated AWS did not start; its own standard error has said more."""


@dataclass(frozen=True, slots=True)
class _Announcement:
    url: str
    access_key_id: str
    secret_access_key: str


class SimulatedAws:
    """The simulated organization, from entering the context to leaving it.

    Entering returns at once, while the child process seeds the organization (about three seconds);
    `url` and `environment` wait until it stands. A caller that enters first and does its own slow
    imports after that loses little time.
    """

    def __init__(self, *, start_timeout_seconds: float = 60.0) -> None:
        self._start_timeout_seconds = start_timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._announcement: _Announcement | None = None

    def __enter__(self) -> Self:
        for module in ("moto", "flask", "flask_cors"):
            if importlib.util.find_spec(module) is None:
                raise SimulationFailed(
                    f"the demo needs the module {module}: install this project's extra `demo`"
                )
        self._process = subprocess.Popen(
            # -P: no module of the folder that the user happens to stand in gets in the way.
            [sys.executable, "-P", "-m", "tag_compliance.demo.simulation"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_child_environment(os.environ),
            # Its own session: Ctrl-C in the terminal reaches the scan alone, which then ends this
            # process in order, after its last request.
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child process; it holds nothing worth saving."""
        process, self._process, self._announcement = self._process, None, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def url(self) -> str:
        """Where it answers; waits until every resource stands."""
        return self._announced().url

    def environment(self) -> dict[str, str]:
        """The variables with which any boto3 program meets this AWS and no other.

        Complete only where no other `AWS_…` variable is set: AWS_PROFILE, AWS_SESSION_TOKEN,
        AWS_ENDPOINT_URL_STS and their like would win or disturb. `environment_over` sees to that.
        """
        announced = self._announced()
        return {
            **_isolation(),
            "AWS_ENDPOINT_URL": announced.url,
            "AWS_ACCESS_KEY_ID": announced.access_key_id,
            "AWS_SECRET_ACCESS_KEY": announced.secret_access_key,
        }

    def environment_over(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """`inherited` without its AWS and moto variables, and with those of `environment`."""
        return {**_without_foreign(inherited), **self.environment()}

    def _announced(self) -> _Announcement:
        if self._announcement is None:
            self._announcement = self._await_announcement()
        return self._announcement

    def _await_announcement(self) -> _Announcement:
        if self._process is None or self._process.stdout is None:
            raise SimulationFailed("the simulated AWS is not running")
        stdout = self._process.stdout
        ready, _, _ = select.select([stdout], [], [], self._start_timeout_seconds)
        if not ready:
            raise SimulationFailed(
                f"the simulated AWS did not start within {self._start_timeout_seconds:g} seconds"
            )
        line = stdout.readline()
        if not line:
            raise SimulationFailed(
                f"the simulated AWS ended while starting, with exit code {self._process.wait()}"
            )
        return _Announcement(**json.loads(line))


def _isolation() -> dict[str, str]:
    """What keeps boto3 from the files, the metadata service and the proxies of this machine."""
    return {
        "AWS_REGION": GLOBAL_REGION,
        "AWS_DEFAULT_REGION": GLOBAL_REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A proxy cannot reach this machine's loopback. Both spellings are in use, and Python's
        # urllib, which botocore asks, prefers the lower one.
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


def _without_foreign(inherited: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in inherited.items() if not name.startswith(_FOREIGN_PREFIXES)
    }


def _child_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    environment = {**_without_foreign(inherited), **_isolation()}
    path = [str(_PACKAGE_PARENT), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    # moto's catalogue of public images: slow to load for every region, and no scan ever sees it.
    environment["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    return environment
