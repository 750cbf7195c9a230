#!/usr/bin/env python3
"""Tests the unpacked images in containers; `check-image.sh` calls this.

python -m scripts.try_image FOLDER MANIFESTS
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scripts.containers import (
    TIMEOUT_SECONDS,
    USER,
    Container,
    Failed,
    Image,
    running,
    wait_for,
    wait_for_url,
)
from tag_compliance_tests.deploy.manifests import (
    Manifest,
    Rendered,
    environment_of,
    ports_of,
    render,
)
from tag_compliance_tests.support.loopback import fetch

_EXPORTER, _WEBSERVER = "http://127.0.0.1:8080", "http://127.0.0.1:3000"
_UNWANTED = ("pip", "setuptools", "moto")
_UNWANTED_IN_EXPORTER = ("dagster*", "pandas", "pyarrow", "numpy")
_METRICS = (b"tag_compliant_total{", b"compliance_percentage{", b"tag_missing_detail{")
_FIND_CREDENTIALS = "import boto3; print(boto3.Session().get_credentials().access_key)"
_QUERY_JOBS = (
    "{repositoriesOrError {... on RepositoryConnection {nodes {location {name} jobs {name}}}}}"
)


def main(folder: Path, manifests: Path) -> None:
    full = Image.load(folder, "tag-compliance")
    exporter = Image.load(folder, "tag-compliance-exporter")
    state, config = folder / "state", folder / "config.yaml"
    shutil.rmtree(state, ignore_errors=True)
    shutil.copyfile("config.yaml", config)
    mounts = {config: "/app/config.yaml", state: "/app/state"}
    for image in (full, exporter):
        check_contents(image)
        check_credentials(image)
    check_metrics(full.run("demo"))
    say("demo prints metrics")
    run_demo_up(full, state)
    serve(full, mounts)
    serve(exporter, mounts)
    # As `docker run -v ./config.yaml:/app/config.yaml IMAGE`; it starts without credentials, too.
    with running([full.start(mounts=mounts)]) as containers:
        wait_for_url(f"{_WEBSERVER}/server_info", containers)
        wait_for_url(f"{_EXPORTER}/livez", containers)
    say("the default command serves and exits with 0 after SIGTERM")
    run_pod(full, folder, render(manifests), state)


def check_contents(image: Image) -> None:
    """Checks the user, the read-only root, and that the image has no unwanted files."""
    settings = image.settings
    found = (settings["User"], settings["WorkingDir"], settings["Healthcheck"]["Test"])
    if found != (f"{USER}:{USER}", "/app", ["CMD", "container-health"]):
        raise Failed(f"{image.name}: unexpected user, folder or health check: {found}")
    if unwanted := list(_unwanted_files(image)):
        raise Failed(f"{image.name}: remove from the image: {unwanted}")
    if b"check-config" not in image.run("--help"):
        raise Failed(f"{image.name}: --help does not list the commands")
    write = image.start(["-c", "open('/app/x', 'w')"], entrypoint=["python"])
    if write.process.wait(TIMEOUT_SECONDS) == 0 or "Read-only" not in write.output():
        raise Failed(f"{image.name}: /app is writable")
    say(f"{image.name}: --help lists the commands; user {USER}, read-only root")


def check_metrics(exposition: bytes) -> None:
    for metric in _METRICS:
        if b"\n" + metric not in exposition:
            raise Failed(f"there is no {metric.decode()} in\n{exposition[:2000].decode()}")


def check_credentials(image: Image) -> None:
    """boto3 finds a mounted profile that, as documented, only the user of the image can read."""
    aws = image.folder / "aws"
    aws.mkdir(exist_ok=True)
    (aws / "credentials").write_text(
        "[base]\naws_access_key_id = of-the-profile\naws_secret_access_key = secret\n",
        encoding="utf-8",
    )
    for path, mode in ((aws, 0o700), (aws / "credentials", 0o600)):
        os.chown(path, USER, USER)
        path.chmod(mode)
    found = image.run(
        *("-c", _FIND_CREDENTIALS),
        entrypoint=["python"],
        mounts={aws: "/app/.aws"},
        environment={"AWS_PROFILE": "base"},
    )
    if found.strip() != b"of-the-profile":
        raise Failed(f"{image.name}: boto3 does not find the mounted profile: {found!r}")


def _unwanted_files(image: Image) -> Iterator[Path]:
    """Compilers, caches, installers, modules without bytecode; the pipeline in the exporter."""
    for program in ("cc", "gcc", "c++", "make"):
        yield from image.root.glob(f"usr/bin/{program}")
    for folder in ("root/.cache", "app/.cache", "tmp"):
        yield from (image.root / folder).glob("*")
    library = next(image.root.glob("opt/tag-compliance/lib/python3*/site-packages"))
    for name in _UNWANTED + (_UNWANTED_IN_EXPORTER if "exporter" in image.name else ()):
        yield from library.glob(name)
    for module in (library / "tag_compliance").rglob("*.py"):
        if not list(module.parent.glob(f"__pycache__/{module.stem}.*.pyc")):
            yield module


def run_demo_up(image: Image, state: Path) -> None:
    """Runs all processes; copies the snapshots to `state`, for the tests of the exporter."""
    work = image.folder / "demo"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    os.chown(work, USER, USER)
    environment = {"TMPDIR": "/app/state"}
    container = image.start(["demo", "--up"], mounts={work: "/app/state"}, environment=environment)
    with running([container]):
        wait_for_url(f"{_EXPORTER}/ready", [container])
        wait_for_url(f"{_WEBSERVER}/server_info", [container])
        [written] = work.glob("tag-compliance-demo-*/state")
        shutil.copytree(written, state, ignore=shutil.ignore_patterns("dagster", ".*"))
        subprocess.run(["chown", "-R", f"{USER}:{USER}", state], check=True)
        if zombies := container.zombies():
            raise Failed(f"PID 1 does not reap {zombies}")
    if remaining := list(work.iterdir()):
        raise Failed(f"demo --up left files behind: {remaining}")
    say("demo --up: ready, exits with 0 after SIGTERM, leaves no files")


def serve(image: Image, mounts: Mapping[Path, str]) -> None:
    say(f"{image.name}: starting `serve`")
    container = image.start(["serve"], mounts=mounts)
    with running([container]):
        wait_for_url(f"{_EXPORTER}/ready", [container])
        say(f"{image.name}: `serve` is ready")
        check_metrics(fetch(f"{_EXPORTER}/metrics") or b"")
        image.run(entrypoint=["container-health"])
    unhealthy = image.start([], entrypoint=["container-health"])
    if unhealthy.process.wait(TIMEOUT_SECONDS) == 0:
        raise Failed(f"{image.name}: the health check passes although nothing is served")
    say(f"{image.name}: serve is healthy and exits with 0 after SIGTERM")


def run_pod(image: Image, folder: Path, rendered: Rendered, state: Path) -> None:
    """Starts and probes the containers of the deployment as its manifests say."""
    pod = rendered.pods()["tag-compliance"]["spec"]
    volumes = {v["name"]: _volume(v, folder, rendered, state) for v in pod["volumes"]}
    containers = [
        image.start(
            spec["args"],
            name=spec["name"],
            environment=environment_of(spec),
            mounts={
                volumes[mount["name"]] / mount.get("subPath", ""): mount["mountPath"]
                for mount in spec["volumeMounts"]
                if mount["mountPath"] != "/tmp"  # every container has one here
            },
        )
        for spec in pod["containers"]
    ]
    with running(containers):
        mounts = {state: "/app/state", volumes["dagster"]: "/app/dagster"}
        for spec in pod["containers"]:
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                if kind in spec:
                    probe(image, spec, spec[kind], containers, mounts)
        content = {"query": _QUERY_JOBS}
        if fetch(f"{_WEBSERVER}/graphql?{urllib.parse.urlencode(content)}") is not None:
            raise Failed("the webserver accepts a query by GET, which any web page can send")
        headers = {"Content-Type": "application/json"}
        by_post = urllib.request.Request(
            f"{_WEBSERVER}/graphql", json.dumps(content).encode(), headers
        )
        jobs = fetch(by_post) or b""
        if b'"tag-compliance"' not in jobs or b'"scan"' not in jobs:
            raise Failed(f"the webserver does not list the job `scan`: {jobs.decode()}")
    say("the pod of k8s/: all containers start, pass their probes, and exit with 0 after SIGTERM")


def _volume(volume: Manifest, folder: Path, rendered: Rendered, state: Path) -> Path:
    """A folder with the content of the volume."""
    if "persistentVolumeClaim" in volume:
        return state
    path = folder / "volumes" / str(volume["name"])
    if "configMap" in volume:
        path.mkdir(parents=True, exist_ok=True)
        source = volume["configMap"]
        data = rendered.data(source["name"], optional=source.get("optional", False))
        for key, value in data.items():
            (path / key).write_text(value, encoding="utf-8")
    return path


def probe(
    image: Image,
    spec: Manifest,
    settings: Manifest,
    containers: Sequence[Container],
    mounts: Mapping[Path, str],
) -> None:
    if http := settings.get("httpGet"):
        port = ports_of(spec).get(http["port"], http["port"])
        wait_for_url(f"http://127.0.0.1:{port}{http['path']}", containers)
        return
    if grpc := settings.get("grpc"):
        command = ["dagster", "api", "grpc-health-check", "--port", str(grpc["port"])]
    else:
        command = settings["exec"]["command"]

    def passes() -> bool:
        environment = environment_of(spec)
        check = image.start([], entrypoint=command, mounts=mounts, environment=environment)
        return check.process.wait(TIMEOUT_SECONDS) == 0

    wait_for(passes, f"the probe {settings} of {spec['name']}", containers)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except (Failed, AssertionError) as error:
        sys.exit(f"try_image: {error}")
