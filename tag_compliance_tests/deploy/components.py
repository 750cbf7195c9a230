"""Copies of the manifests with their optional components."""

from __future__ import annotations

import shutil
from pathlib import Path

from tag_compliance_tests.deploy.manifests import ROOT, Rendered, render


def copied(folder: Path) -> Path:
    """A copy of the manifests and of the dashboards that they use; returns its `k8s`."""
    for name in ("k8s", "monitoring"):
        shutil.copytree(ROOT / name, folder / name)
    return folder / "k8s"


def render_with_all_components(folder: Path) -> Rendered:
    """The objects when every component of `k8s/kustomization.yaml` is switched on."""
    manifests = copied(folder)
    kustomization = manifests / "kustomization.yaml"
    text = kustomization.read_text(encoding="utf-8")
    switched_on = text.replace("# components:", "components:").replace("#   - ", "  - ")
    kustomization.write_text(switched_on, encoding="utf-8")
    return render(manifests)
