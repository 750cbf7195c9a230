#!/usr/bin/env python3
"""Runs the unpacked images as Kubernetes would under its restricted profile, and looks on.

Each container gets namespaces of its own, a read-only root, no capabilities, no new privileges and
the image's numeric user; only the network is shared, as in a pod, and it is loopback alone.
`check-image.sh` calls this.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_USER = 10001
_PATIENCE_SECONDS = 120
_UNWANTED = ("pip", "setuptools")
_NOT_THE_EXPORTERS = ("dagster*", "pandas", "pyarrow", "numpy", "moto")
_METRICS = ("tag_compliant_total{", "compliance_percentage{", "tag_missing_detail{")

# Run as root in new namespaces: the root, mounts as `source:target`, then `--` and the command.
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
    """The image does not do what it should."""


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
        """SIGTERM to PID 1; the exit code."""
        for child in _children_of(self.process.pid):
            os.kill(child, signal.SIGTERM)
        return self.process.wait(_PATIENCE_SECONDS)

    def zombies(self) -> list[int]:
        """Dead processes that PID 1 has not reaped."""
        orphans = [pid for first in _children_of(self.process.pid) for pid in _children_of(first)]
        stats = {pid: Path(f"/proc/{pid}/stat").read_text(encoding="utf-8") for pid in orphans}
        return [pid for pid, stat in stats.items() if stat.rpartition(")")[2].split()[0] == "Z"]

    def told(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8").splitlines()[-30:])


@dataclass
class Image:
    """An unpacked image: its root file system, and the settings that Docker would read."""

    name: str
    root: Path
    settings: Mapping[str, Any]
    folder: Path
    _number: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def at(cls, folder: Path, name: str) -> "Image":
        described = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return cls(name, (folder / name).resolve(), described["Docker"]["config"], folder)

    def start(  # noqa: PLR0913 - what `docker run` takes
        self,
        arguments: Sequence[str] | None = None,
        *,
        mounts: Mapping[Path, str] | None = None,
        environment: Mapping[str, str] | None = None,
        entrypoint: Sequence[str] | None = None,
        stdout: int | None = None,
        name: str = "",
    ) -> Container:
        """Without `arguments` the image's own command, as `docker run IMAGE` does."""
        command = [
            *(self.settings["Entrypoint"] if entrypoint is None else entrypoint),
            *(self.settings["Cmd"] if arguments is None else arguments),
        ]
        variables = dict(variable.split("=", 1) for variable in self.settings["Env"])
        variables |= environment or {}
        log = self.folder / f"{name or self.name}-{next(self._number)}.out"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [
                    *("unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"),
                    *("sh", "-euc", f"mounts=\n{_CONTAIN}", "contain", str(self.root)),
                    *(f"{source}:{target}" for source, target in (mounts or {}).items()),
                    *("--", "setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"),
                    *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
                    *("env", "-i", f"--chdir={self.settings['WorkingDir']}"),
                    *(f"{key}={value}" for key, value in variables.items()),
                    *command,
                ],
                stdin=subprocess.DEVNULL,
                stdout=file if stdout is None else stdout,
                stderr=file,
            )
        return Container(name or self.name, process, log)

    def run(self, *arguments: str, **options: Any) -> bytes:
        """To its end; what it wrote on stdout. Raises `Failed` where it did not end with 0."""
        container = self.start(arguments, stdout=subprocess.PIPE, **options)
        out, _ = container.process.communicate(timeout=_PATIENCE_SECONDS)
        if container.process.returncode != 0:
            code = container.process.returncode
            raise Failed(f"{self.name}: {arguments} ended with {code}\n{container.told()}")
        return out


def main(folder: Path, manifests: Path) -> None:
    whole, exporter = (
        Image.at(folder, name) for name in ("tag-compliance", "tag-compliance-exporter")
    )
    for image in (whole, exporter):
        look_at(image)
    print_the_demo(whole)
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    demo_up(whole, state)
    config = folder / "config.yaml"
    shutil.copyfile(Path("config.yaml"), config)
    for image in (whole, exporter):
        serve(image, {config: "/app/config.yaml", state: "/app/state"})
    # As `docker run -v ./config.yaml:/app/config.yaml IMAGE`; it is there without credentials, too.
    with running([whole.start(mounts={config: "/app/config.yaml", state: "/app/state"})]) as [up]:
        wait_for("http://127.0.0.1:3000/server_info", [up])
        wait_for("http://127.0.0.1:8080/livez", [up])
    say("the default command serves, and ends on SIGTERM with 0")
    run_the_pod(whole, folder, manifests, state)


def look_at(image: Image) -> None:
    """Who it runs as, what it may write, and what should not be in it."""
    settings = image.settings
    expected = {
        "User": f"{_USER}:{_USER}",
        "WorkingDir": "/app",
        "Healthcheck": {**settings["Healthcheck"], "Test": ["CMD", "container-health"]},
    }
    for key, value in expected.items():
        if settings[key] != value:
            raise Failed(f"{image.name}: {key} is {settings[key]}, not {value}")
    if left := list(_left_over(image)):
        raise Failed(f"{image.name}: should not be in it: {left}")
    began = time.monotonic()
    if b"commands:" not in image.run("--help"):
        raise Failed(f"{image.name}: --help says nothing of its commands")
    seconds = time.monotonic() - began
    refused = image.start(["-c", "open('/app/x', 'w')"], entrypoint=["python"])
    if refused.process.wait(_PATIENCE_SECONDS) == 0 or "Read-only" not in refused.told():
        raise Failed(f"{image.name}: /app could be written")
    say(f"{image.name}: --help in {seconds:.2f} s; user {settings['User']}, read-only root")


def _left_over(image: Image) -> Iterator[Path]:
    """Compilers, caches, installers, modules without bytecode; in the exporter, the pipeline."""
    for program in ("cc", "gcc", "c++", "make"):
        yield from image.root.glob(f"usr/bin/{program}")
    for folder in ("root/.cache", "app/.cache", "tmp"):
        yield from (image.root / folder).glob("*")
    library = next(image.root.glob("opt/tag-compliance/lib/python3*/site-packages"))
    for name in _UNWANTED + (_NOT_THE_EXPORTERS if "exporter" in image.name else ()):
        yield from library.glob(name)
    for module in (library / "tag_compliance").rglob("*.py"):
        if not list(module.parent.glob(f"__pycache__/{module.stem}.*.pyc")):
            yield module


def print_the_demo(image: Image) -> None:
    began = time.monotonic()
    exposition = image.run("demo").decode()
    for metric in _METRICS:
        if f"\n{metric}" not in exposition:
            raise Failed(f"demo printed no {metric}\n{exposition[:2000]}")
    say(
        f"demo: {len(exposition.splitlines())} lines of metrics in {time.monotonic() - began:.0f} s"
    )


def demo_up(image: Image, state: Path) -> None:
    """The whole tree at work; its snapshots are kept for the exporters to serve."""
    work = image.folder / "demo"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    os.chown(work, _USER, _USER)
    container = image.start(
        ["demo", "--up"], mounts={work: "/app/state"}, environment={"TMPDIR": "/app/state"}
    )
    with running([container]):
        wait_for("http://127.0.0.1:8080/ready", [container])
        wait_for("http://127.0.0.1:3000/server_info", [container])
        [made] = work.glob("tag-compliance-demo-*/state")
        shutil.copytree(made, state, ignore=shutil.ignore_patterns("dagster", ".*"))
        subprocess.run(["chown", "-R", f"{_USER}:{_USER}", state], check=True)
        if zombies := container.zombies():
            raise Failed(f"PID 1 does not reap {zombies}")
    if left := list(work.iterdir()):
        raise Failed(f"demo --up left {left} behind")
    say("demo --up: ready, scraped and ended by SIGTERM with 0, nothing left behind")


def serve(image: Image, mounts: Mapping[Path, str]) -> None:
    began = time.monotonic()
    container = image.start(["serve"], mounts=mounts)
    with running([container]):
        wait_for("http://127.0.0.1:8080/ready", [container])
        seconds = time.monotonic() - began
        exposition = get("http://127.0.0.1:8080/metrics")
        if not all(f"\n{metric}".encode() in exposition for metric in _METRICS):
            raise Failed(f"{image.name}: serve has no metrics\n{container.told()}")
        image.run(entrypoint=image.settings["Healthcheck"]["Test"][1:])
    unhealthy = image.start([], entrypoint=image.settings["Healthcheck"]["Test"][1:])
    if unhealthy.process.wait(_PATIENCE_SECONDS) == 0:
        raise Failed(f"{image.name}: healthy, although nothing is served")
    say(f"{image.name}: serve is ready in {seconds:.1f} s, healthy, and ends on SIGTERM with 0")


def run_the_pod(image: Image, folder: Path, manifests: Path, state: Path) -> None:
    """The deployment's containers, started and probed as its manifests say."""
    text = subprocess.run(
        ["kubectl", "kustomize", str(manifests)], check=True, capture_output=True, text=True
    ).stdout
    objects = {(o["kind"], o["metadata"]["name"]): o for o in yaml.safe_load_all(text)}
    pod = objects["Deployment", "tag-compliance"]["spec"]["template"]["spec"]
    volumes: dict[str, Path] = {}
    for volume in pod["volumes"]:
        path = volumes[volume["name"]] = folder / "volumes" / volume["name"]
        if "configMap" in volume:
            path.mkdir(parents=True, exist_ok=True)
            for key, value in objects["ConfigMap", volume["configMap"]["name"]]["data"].items():
                (path / key).write_text(value, encoding="utf-8")
        elif "persistentVolumeClaim" in volume:
            volumes[volume["name"]] = state
    containers = [
        image.start(
            c["args"],
            name=c["name"],
            environment={variable["name"]: variable["value"] for variable in c["env"]},
            mounts={
                volumes[m["name"]] / m.get("subPath", ""): m["mountPath"]
                for m in c["volumeMounts"]
                if m["mountPath"] != "/tmp"  # every container has one here
            },
        )
        for c in pod["containers"]
    ]
    with running(containers):
        for spec in pod["containers"]:
            mounts = {state: "/app/state", volumes["dagster"]: "/app/dagster"}
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                if kind in spec:
                    probe(image, spec, spec[kind], containers, mounts)
        answer = image.run(*("-c", _ASK_FOR_THE_JOB), entrypoint=["python"]).decode().strip()
        if answer != "tag-compliance":
            raise Failed(f"the webserver does not know the job: {answer}")
    say("the pod of k8s/: four containers start, answer their probes, and end on SIGTERM with 0")


_ASK_FOR_THE_JOB = """
import json, urllib.request
query = '{repositoriesOrError {... on RepositoryConnection {nodes {location {name} jobs {name}}}}}'
request = urllib.request.Request('http://127.0.0.1:3000/graphql',
    json.dumps({'query': query}).encode(), {'Content-Type': 'application/json'})
nodes = json.load(urllib.request.urlopen(request))['data']['repositoriesOrError']['nodes']
print(*[n['location']['name'] for n in nodes if any(j['name'] == 'scan' for j in n['jobs'])])
"""

_ASK_GRPC = """
import sys, grpc
from grpc_health.v1 import health_pb2 as pb, health_pb2_grpc as rpc
stub = rpc.HealthStub(grpc.insecure_channel(sys.argv[1]))
answer = stub.Check(pb.HealthCheckRequest(service=sys.argv[2]))
sys.exit(answer.status != pb.HealthCheckResponse.SERVING)
"""


def probe(
    image: Image,
    spec: Mapping[str, Any],
    wanted: Mapping[str, Any],
    containers: Sequence[Container],
    mounts: Mapping[Path, str],
) -> None:
    ports = {port["name"]: port["containerPort"] for port in spec.get("ports", ())}
    environment = {variable["name"]: variable["value"] for variable in spec["env"]}
    if "httpGet" in wanted:
        port = ports.get(wanted["httpGet"]["port"], wanted["httpGet"]["port"])
        wait_for(f"http://127.0.0.1:{port}{wanted['httpGet']['path']}", containers)
        return
    if "grpc" in wanted:
        command = [
            "python",
            "-c",
            _ASK_GRPC,
            f"127.0.0.1:{wanted['grpc']['port']}",
            wanted["grpc"]["service"],
        ]
    else:
        command = wanted["exec"]["command"]

    def answers() -> bool:
        asked = image.start([], entrypoint=command, mounts=mounts, environment=environment)
        return asked.process.wait(_PATIENCE_SECONDS) == 0

    wait_until(answers, f"the probe {wanted} of {spec['name']}", containers)


@contextlib.contextmanager
def running(containers: list[Container]) -> Iterator[list[Container]]:
    """Ends them by SIGTERM; each must answer with 0."""
    try:
        yield containers
        for container in reversed(containers):
            if (code := container.terminate()) != 0:
                raise Failed(f"{container.name} ended with {code} on SIGTERM\n{container.told()}")
    finally:
        for container in containers:
            container.process.kill()
            container.process.wait()


def wait_for(url: str, containers: Sequence[Container]) -> None:
    def answers() -> bool:
        with contextlib.suppress(OSError):
            return bool(get(url))
        return False

    wait_until(answers, url, containers)


def wait_until(done: Callable[[], bool], what: str, containers: Sequence[Container]) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        for container in containers:
            if container.process.poll() is not None:
                raise Failed(f"{container.name} ended meanwhile\n{container.told()}")
        if time.monotonic() > give_up_at:
            told = "\n".join(f"--- {c.name}\n{c.told()}" for c in containers)
            raise Failed(f"no answer: {what}\n{told}")
        time.sleep(0.3)


def get(url: str) -> bytes:
    # Loopback: a proxy of this machine has no business here.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        body: bytes = answer.read()
        return body


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except Failed as error:
        sys.exit(f"try_image: {error}")
