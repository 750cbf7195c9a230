"""The manifests, rendered by `kubectl kustomize` as for a cluster."""

from __future__ import annotations

import re
import subprocess
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
        [found] = self._named(kind, name)
        return found

    def data(self, config_map: str, *, optional: bool = False) -> dict[str, str]:
        """Its keys and values. A volume of an optional one that does not exist is empty."""
        if optional and not self._named("ConfigMap", config_map):
            return {}
        found: dict[str, str] = self.get("ConfigMap", config_map)["data"]
        return found

    def _named(self, kind: str, name: str) -> list[Manifest]:
        named = re.compile(rf"{re.escape(name)}(-[a-z0-9]{{10}})?")
        return [o for o in self.of(kind) if named.fullmatch(o["metadata"]["name"])]

    def names(self) -> set[tuple[str, str]]:
        """Kind and name of each object."""
        return {(o["kind"], o["metadata"]["name"]) for o in self.objects}

    def pods(self) -> dict[str, Manifest]:
        """The template of the pods of each deployment, by its name."""
        return {d["metadata"]["name"]: d["spec"]["template"] for d in self.of("Deployment")}

    def containers(self) -> dict[str, Manifest]:
        pods = [pod["spec"] for pod in self.pods().values()]
        return {
            c["name"]: c for p in pods for c in (*p.get("initContainers", ()), *p["containers"])
        }


@cache
def render(folder: Path) -> Rendered:
    """The objects of the kustomization. Without kubectl the test is skipped."""
    kubectl = require("kubectl")
    done = subprocess.run(
        [kubectl, "kustomize", str(folder)], check=True, capture_output=True, text=True
    )
    return Rendered(tuple(yaml.safe_load_all(done.stdout)))


def ports_of(container: Manifest) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container.get("ports", ())}


def environment_of(container: Manifest) -> dict[str, str]:
    """The variables by name; a value that comes from another object is empty."""
    return {variable["name"]: variable.get("value", "") for variable in container["env"]}


def assert_restricted(pod: Manifest) -> None:
    """Fails unless the pod meets the restricted standard and has a read-only root.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    of_pod = pod["securityContext"]
    assert of_pod["runAsNonRoot"] is True
    assert of_pod["runAsUser"] > 0
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    # A Service `tag-compliance` would be TAG_COMPLIANCE_PORT=tcp://… in every pod.
    assert pod["enableServiceLinks"] is False
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
