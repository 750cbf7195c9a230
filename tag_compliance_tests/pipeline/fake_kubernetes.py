"""The part of the Kubernetes API that the run launcher calls: Jobs are recorded, not run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import yaml

from tag_compliance_tests.support.loopback import serving


@dataclass
class FakeKubernetes:
    """`jobs` are the received manifests by name; `status` is returned for each of them."""

    url: str = ""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=lambda: {"active": 1})

    def write_kubeconfig(self, path: Path) -> Path:
        named = {"name": "fake"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{**named, "cluster": {"server": self.url}}],
            "users": [{**named, "user": {}}],
            "contexts": [{**named, "context": {"cluster": "fake", "user": "fake"}}],
            "current-context": "fake",
        }
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path


@contextlib.contextmanager
def fake_kubernetes() -> Iterator[FakeKubernetes]:
    fake = FakeKubernetes()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            manifest = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.requests.append(f"{self.command} {self.path}")
            fake.jobs[manifest["metadata"]["name"]] = manifest
            self._respond(201, manifest)

        def do_GET(self) -> None:
            fake.requests.append(f"{self.command} {self.path}")
            *_, kind, name = self.path.partition("?")[0].removesuffix("/status").split("/")
            if kind == "jobs" and name in fake.jobs:
                self._respond(200, {**fake.jobs[name], "status": fake.status})
            elif name in {"pods", "events"}:
                self._respond(200, {"apiVersion": "v1", "kind": "List", "items": []})
            else:
                self._respond(404, {"kind": "Status", "status": "Failure", "code": 404})

        def do_DELETE(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fake.requests.append(f"{self.command} {self.path}")
            self._respond(200, {"kind": "Status", "status": "Success"})

        def _respond(self, status: int, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.send_response_only(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_args: object) -> None:
            """Nothing goes to stderr."""

    with serving(Handler) as url:
        fake.url = url
        yield fake
