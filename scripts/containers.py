"""Runs unpacked images as containers, like Kubernetes under its restricted profile.

Each container has its own namespaces, a read-only root, no capabilities, no new privileges and the
numeric user of the image. Only the network is shared, as in a pod; it is only loopback.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tag_compliance_tests.support.loopback import fetch
from tag_compliance_tests.support.waiting import eventually

USER = 10001
TIMEOUT_SECONDS = 120

# Runs as root in new namespaces. Arguments: the root, mounts as `source:target`, `--`, the command.
_CONTAIN = """
root=$1; shift
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
  source=${1%%:*}; target=$root${1#*:}
  if [ -d "$source" ]; then mkdir -p "$target"; else mkdir -p "${target%/*}"; touch "$target"; fi
  shift
  mounts="$mounts $source:$target"
done
shift
mount -o remount,ro,bind "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero random urandom full; do
  touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm"; mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
for mount in $mounts; do mount --bind "${mount%%:*}" "${mount#*:}"; done
exec chroot "$root" "$@"
"""


class Failed(Exception):
    """A test of an image failed."""


def _children_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in children.split()]


@dataclass
class Container:
    """A running container; its first process is PID 1 of a PID namespace."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def terminate(self) -> int:
        """Sends SIGTERM to PID 1 and returns the exit code."""
        for child in _children_of(self.process.pid):
            os.kill(child, signal.SIGTERM)
        return self.process.wait(TIMEOUT_SECONDS)

    def zombies(self) -> list[int]:
        """Ended processes that PID 1 has not reaped."""
        orphans = [pid for first in _children_of(self.process.pid) for pid in _children_of(first)]
        stats = {pid: Path(f"/proc/{pid}/stat").read_text(encoding="utf-8") for pid in orphans}
        return [pid for pid, stat in stats.items() if stat.rpartition(")")[2].split()[0] == "Z"]

    def output(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8").splitlines()[-30:])


@dataclass
class Image:
    """An unpacked image: its root file system and its Docker settings."""

    name: str
    root: Path
    settings: Mapping[str, Any]
    folder: Path

    @classmethod
    def load(cls, folder: Path, name: str) -> "Image":
        inspected = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return cls(name, (folder / name).resolve(), inspected["Docker"]["config"], folder)

    def start(  # noqa: PLR0913 - the options of `docker run`
        self,
        arguments: Sequence[str] | None = None,
        *,
        mounts: Mapping[Path, str] | None = None,
        environment: Mapping[str, str] | None = None,
        entrypoint: Sequence[str] | None = None,
        stdout: int | None = None,
        name: str = "",
    ) -> Container:
        """Starts a container; without `arguments` it runs the image's default command."""
        entrypoint = self.settings["Entrypoint"] if entrypoint is None else entrypoint
        arguments = self.settings["Cmd"] if arguments is None else arguments
        variables = [*self.settings["Env"], *(f"{k}={v}" for k, v in (environment or {}).items())]
        name = name or self.name
        with tempfile.NamedTemporaryFile(
            dir=self.folder, prefix=f"{name}-", suffix=".out", delete=False
        ) as file:
            process = subprocess.Popen(
                [
                    *("unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"),
                    *("sh", "-euc", f"mounts=\n{_CONTAIN}", "contain", str(self.root)),
                    *(f"{source}:{target}" for source, target in (mounts or {}).items()),
                    *("--", "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
                    *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
                    *("env", "-i", f"--chdir={self.settings['WorkingDir']}"),
                    *(*variables, *entrypoint, *arguments),
                ],
                stdin=subprocess.DEVNULL,
                stdout=file if stdout is None else stdout,
                stderr=file,
            )
        return Container(name, process, Path(file.name))

    def run(self, *arguments: str, **options: Any) -> bytes:
        """Runs a container to its end; returns its stdout. Raises `Failed` if it fails."""
        container = self.start(arguments, stdout=subprocess.PIPE, **options)
        out, _ = container.process.communicate(timeout=TIMEOUT_SECONDS)
        if code := container.process.returncode:
            raise Failed(f"{self.name}: {arguments} exited with {code}\n{container.output()}")
        return out


@contextlib.contextmanager
def running(containers: list[Container]) -> Iterator[list[Container]]:
    """Ends the containers with SIGTERM; raises `Failed` if an exit code is not 0."""
    try:
        yield containers
        for container in reversed(containers):
            if code := container.terminate():
                raise Failed(
                    f"{container.name} exited with {code} after SIGTERM\n{container.output()}"
                )
    finally:
        for container in containers:
            container.process.kill()
            container.process.wait()


def wait_for(find: Callable[[], object], what: str, containers: Sequence[Container]) -> None:
    """Waits for a true result; fails with the containers' output if one ends, or after a while."""

    def find_while_running() -> object:
        for container in containers:
            if container.process.poll() is not None:
                raise Failed(
                    f"{container.name} ended while waiting for {what}\n{container.output()}"
                )
        return find()

    def explain() -> str:
        return "\n--- ".join([what, *(f"{c.name}\n{c.output()}" for c in containers)])

    eventually(find_while_running, TIMEOUT_SECONDS, pause=0.3, explain=explain)


def wait_for_url(url: str, containers: Sequence[Container]) -> None:
    """Waits for a response 200."""
    wait_for(lambda: fetch(url) is not None, url, containers)
