"""The part of the Kubernetes API that the run launcher calls: Jobs are recorded, not run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tag_compliance_tests.support.loopback import Handler, serving


@dataclass
class FakeKubernetes:
    """`jobs` are the received manifests by name; `status` is returned for each of them."""

    url: str = ""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    posted_to: list[str] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=lambda: {"active": 1})

    def write_kubeconfig(self, path: Path) -> str:
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "fake", "user": {}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
            "current-context": "fake",
        }
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return str(path)


@contextlib.contextmanager
def fake_kubernetes() -> Iterator[FakeKubernetes]:
    fake = FakeKubernetes()

    class KubernetesHandler(Handler):
        def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
            manifest = json.loads(self.body())
            fake.posted_to.append(self.path)
            fake.jobs[manifest["metadata"]["name"]] = manifest
            self._respond(201, manifest)

        def do_GET(self) -> None:  # noqa: N802 - the same
            *_, kind, name = self.path.partition("?")[0].removesuffix("/status").split("/")
            if kind == "jobs" and name in fake.jobs:
                self._respond(200, {**fake.jobs[name], "status": fake.status})
            elif name in {"pods", "events"}:
                self._respond(200, {"apiVersion": "v1", "kind": "List", "items": []})
            else:
                self._respond(404, {"kind": "Status", "status": "Failure", "code": 404})

        def _respond(self, status: int, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.respond(status, {"Content-Type": "application/json"}, data)

    with serving(KubernetesHandler) as url:
        fake.url = url
        yield fake
