#!/usr/bin/env python3
"""Tests the unpacked images in containers; `check-image.sh` calls this.

scripts/try_image.py FOLDER MANIFESTS
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from containers import (
    TIMEOUT_SECONDS,
    USER,
    Container,
    Failed,
    Image,
    get,
    running,
    say,
    wait_for,
    wait_until,
)

_UNWANTED = ("pip", "setuptools", "moto")
_UNWANTED_IN_EXPORTER = ("dagster*", "pandas", "pyarrow", "numpy")
_METRICS = ("tag_compliant_total{", "compliance_percentage{", "tag_missing_detail{")


def main(folder: Path, manifests: Path) -> None:
    whole, exporter = (
        Image.load(folder, name) for name in ("tag-compliance", "tag-compliance-exporter")
    )
    for image in (whole, exporter):
        check_contents(image)
        check_credentials(image)
    run_demo(whole)
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    run_demo_up(whole, state)
    config = folder / "config.yaml"
    shutil.copyfile(Path("config.yaml"), config)
    for image in (whole, exporter):
        serve(image, {config: "/app/config.yaml", state: "/app/state"})
    # As `docker run -v ./config.yaml:/app/config.yaml IMAGE`; it starts without credentials, too.
    with running([whole.start(mounts={config: "/app/config.yaml", state: "/app/state"})]) as [up]:
        wait_for("http://127.0.0.1:3000/server_info", [up])
        wait_for("http://127.0.0.1:8080/livez", [up])
    say("the default command serves and exits with 0 after SIGTERM")
    run_pod(whole, folder, manifests, state)


def check_contents(image: Image) -> None:
    """Checks the user, the read-only root, and that the image has no unwanted files."""
    settings = image.settings
    expected = {
        "User": f"{USER}:{USER}",
        "WorkingDir": "/app",
        "Healthcheck": {**settings["Healthcheck"], "Test": ["CMD", "container-health"]},
    }
    for key, value in expected.items():
        if settings[key] != value:
            raise Failed(f"{image.name}: {key} is {settings[key]}, expected {value}")
    if found := list(_unwanted_files(image)):
        raise Failed(f"{image.name}: remove from the image: {found}")
    began = time.monotonic()
    if b"check-config" not in image.run("--help"):
        raise Failed(f"{image.name}: --help does not list the commands")
    seconds = time.monotonic() - began
    write = image.start(["-c", "open('/app/x', 'w')"], entrypoint=["python"])
    if write.process.wait(TIMEOUT_SECONDS) == 0 or "Read-only" not in write.last_output():
        raise Failed(f"{image.name}: /app is writable")
    say(f"{image.name}: --help in {seconds:.2f} s; user {settings['User']}, read-only root")


_FIND_CREDENTIALS = "import boto3; print(boto3.Session().get_credentials().access_key)"


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


def run_demo(image: Image) -> None:
    began = time.monotonic()
    exposition = image.run("demo").decode()
    for metric in _METRICS:
        if f"\n{metric}" not in exposition:
            raise Failed(f"demo printed no {metric}\n{exposition[:2000]}")
    say(
        f"demo: {len(exposition.splitlines())} lines of metrics in {time.monotonic() - began:.0f} s"
    )


def run_demo_up(image: Image, state: Path) -> None:
    """Runs all processes; copies the snapshots to `state`, for the tests of the exporter."""
    work = image.folder / "demo"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    os.chown(work, USER, USER)
    container = image.start(
        ["demo", "--up"], mounts={work: "/app/state"}, environment={"TMPDIR": "/app/state"}
    )
    with running([container]):
        wait_for("http://127.0.0.1:8080/ready", [container])
        wait_for("http://127.0.0.1:3000/server_info", [container])
        [written] = work.glob("tag-compliance-demo-*/state")
        shutil.copytree(written, state, ignore=shutil.ignore_patterns("dagster", ".*"))
        subprocess.run(["chown", "-R", f"{USER}:{USER}", state], check=True)
        if zombies := container.zombies():
            raise Failed(f"PID 1 does not reap {zombies}")
    if remaining := list(work.iterdir()):
        raise Failed(f"demo --up left files behind: {remaining}")
    say("demo --up: ready, exits with 0 after SIGTERM, leaves no files")


def serve(image: Image, mounts: Mapping[Path, str]) -> None:
    began = time.monotonic()
    container = image.start(["serve"], mounts=mounts)
    with running([container]):
        wait_for("http://127.0.0.1:8080/ready", [container])
        seconds = time.monotonic() - began
        exposition = get("http://127.0.0.1:8080/metrics")
        if not all(f"\n{metric}".encode() in exposition for metric in _METRICS):
            raise Failed(
                f"{image.name}: /metrics lacks one of {_METRICS}\n{container.last_output()}"
            )
        image.run(entrypoint=image.settings["Healthcheck"]["Test"][1:])
    unhealthy = image.start([], entrypoint=image.settings["Healthcheck"]["Test"][1:])
    if unhealthy.process.wait(TIMEOUT_SECONDS) == 0:
        raise Failed(f"{image.name}: the health check passes although nothing is served")
    say(f"{image.name}: serve is ready in {seconds:.1f} s, healthy, exits with 0 after SIGTERM")


def run_pod(image: Image, folder: Path, manifests: Path, state: Path) -> None:
    """Starts and probes the containers of the deployment as its manifests say."""
    pod, volumes = _pod_and_volumes(folder, manifests, state)
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
        jobs = image.run(*("-c", _QUERY_JOBS), entrypoint=["python"]).decode().strip()
        if jobs != "tag-compliance":
            raise Failed(f"the webserver does not list the job `scan`: {jobs}")
    say("the pod of k8s/: all containers start, pass their probes, and exit with 0 after SIGTERM")


def _pod_and_volumes(
    folder: Path, manifests: Path, state: Path
) -> tuple[dict[str, Any], dict[str, Path]]:
    """The pod of the deployment, and a folder for each of its volumes."""
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
    return pod, volumes


_QUERY_JOBS = """
import json, urllib.request
query = '{repositoriesOrError {... on RepositoryConnection {nodes {location {name} jobs {name}}}}}'
request = urllib.request.Request('http://127.0.0.1:3000/graphql',
    json.dumps({'query': query}).encode(), {'Content-Type': 'application/json'})
nodes = json.load(urllib.request.urlopen(request))['data']['repositoriesOrError']['nodes']
print(*[n['location']['name'] for n in nodes if any(j['name'] == 'scan' for j in n['jobs'])])
"""

_CHECK_GRPC = """
import sys, grpc
from grpc_health.v1 import health_pb2 as pb, health_pb2_grpc as rpc
stub = rpc.HealthStub(grpc.insecure_channel(sys.argv[1]))
response = stub.Check(pb.HealthCheckRequest(service=sys.argv[2]))
sys.exit(response.status != pb.HealthCheckResponse.SERVING)
"""


def probe(
    image: Image,
    spec: Mapping[str, Any],
    settings: Mapping[str, Any],
    containers: Sequence[Container],
    mounts: Mapping[Path, str],
) -> None:
    ports = {port["name"]: port["containerPort"] for port in spec.get("ports", ())}
    environment = {variable["name"]: variable["value"] for variable in spec["env"]}
    if "httpGet" in settings:
        port = ports.get(settings["httpGet"]["port"], settings["httpGet"]["port"])
        wait_for(f"http://127.0.0.1:{port}{settings['httpGet']['path']}", containers)
        return
    if "grpc" in settings:
        command = [
            "python",
            "-c",
            _CHECK_GRPC,
            f"127.0.0.1:{settings['grpc']['port']}",
            settings["grpc"]["service"],
        ]
    else:
        command = settings["exec"]["command"]

    def passes() -> bool:
        check = image.start([], entrypoint=command, mounts=mounts, environment=environment)
        return check.process.wait(TIMEOUT_SECONDS) == 0

    wait_until(passes, f"the probe {settings} of {spec['name']}", containers)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except Failed as error:
        sys.exit(f"try_image: {error}")
