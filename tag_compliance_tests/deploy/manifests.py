"""The manifests, rendered by `kubectl kustomize` as for a cluster."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tag_compliance_tests.support.system import require

ROOT = Path(__file__).parents[2]
BASE = ROOT / "k8s"
SCALE_OUT = BASE / "overlays" / "scale-out"

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The objects of one kustomization."""

    objects: tuple[Manifest, ...]

    def of(self, kind: str) -> list[Manifest]:
        return [o for o in self.objects if o["kind"] == kind]

    def get(self, kind: str, name: str) -> Manifest:
        """The only object of this kind and name; the name may end in a hash of the contents."""
        named = re.compile(rf"{re.escape(name)}(-[a-z0-9]{{10}})?")
        [found] = [o for o in self.of(kind) if named.fullmatch(o["metadata"]["name"])]
        return found

    def pods(self) -> Iterator[tuple[str, Manifest]]:
        for deployment in self.of("Deployment"):
            yield deployment["metadata"]["name"], deployment["spec"]["template"]["spec"]

    def containers(self) -> Iterator[Manifest]:
        for _, pod in self.pods():
            yield from pod.get("initContainers", ())
            yield from pod["containers"]


@cache
def render(folder: Path) -> Rendered:
    """The objects of the kustomization. Without kubectl the test is skipped."""
    kubectl = require("kubectl")
    done = subprocess.run(
        [kubectl, "kustomize", str(folder)], check=True, capture_output=True, text=True
    )
    return Rendered(tuple(yaml.safe_load_all(done.stdout)))


def assert_restricted(pod: Manifest) -> None:
    """Fails unless the pod meets the restricted standard and has a read-only root.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    of_pod = pod["securityContext"]
    assert of_pod["runAsNonRoot"] is True
    assert of_pod["runAsUser"] > 0
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPort" in port for port in container.get("ports", ()))
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
    kinds = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
    for volume in pod["volumes"]:
        assert volume.keys() - {"name"} <= kinds
