"""The CI pipelines of GitLab and GitHub: valid, equivalent and with minimal permissions."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tag_compliance_tests.support.system import require

_ROOT = Path(__file__).resolve().parents[2]
_GITLAB = _ROOT / ".gitlab-ci.yml"
_GITHUB = _ROOT / ".github/workflows/ci.yml"
_STAGES = ["test", "container", "security", "cleanup"]


def _load(path: Path) -> dict[str, Any]:
    shape: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return shape


def _accepted(*command: str) -> None:
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (_GITLAB, ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
        (_GITHUB, ["vendor.github-workflows"]),
    ],
    ids=["gitlab", "github"],
)
def test_the_pipeline_matches_its_schema(path: Path, schema: list[str]) -> None:
    name = "check-jsonschema"
    program = shutil.which(name, path=str(Path(sys.executable).parent)) or require(name)
    _accepted(program, "--builtin-schema", *schema, str(path))


def test_actionlint_accepts_the_workflow() -> None:
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("actionlint is not installed; Debian does not package it")
    _accepted(program, str(_GITHUB))


def test_both_pipelines_have_the_same_stages_and_build_the_same_targets_of_the_dockerfile() -> None:
    assert _load(_GITLAB)["stages"] == _STAGES
    assert set(_STAGES) <= set(_load(_GITHUB)["jobs"])
    dockerfile = (_ROOT / "Dockerfile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.MULTILINE))
    known = set(re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE))
    for path in (_GITLAB, _GITHUB):
        text = path.read_text(encoding="utf-8")
        built = set(re.findall(r"^\s+build (\S+) ", text, re.MULTILINE))
        assert built == {"runtime", "exporter"}
        assert built <= targets
        assert set(re.findall(r"--build-arg (\w+)=", text)) <= known


@pytest.mark.parametrize("path", [_GITLAB, _GITHUB], ids=["gitlab", "github"])
def test_a_pipeline_runs_make_check_with_all_system_programs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(r"\bmake check PYTHON=python3\b", text)
    assert "xargs -a .ci/packages.txt apt-get install" in text
    assert 'TAG_COMPLIANCE_REQUIRE_SYSTEM_TESTS: "1"' in text


def test_both_pipelines_use_the_same_versions_of_the_scanners() -> None:
    gitlab, github = (
        sorted(set(re.findall(r"anchore/\S+:v\S+|pip-audit==\S+", path.read_text("utf-8"))))
        for path in (_GITLAB, _GITHUB)
    )
    assert len(gitlab) == 3
    assert gitlab == github


def test_actions_are_pinned_by_commit() -> None:
    used = re.findall(r"uses: (.+)", _GITHUB.read_text(encoding="utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_only_the_cleanup_job_has_write_permissions() -> None:
    workflow = _load(_GITHUB)
    assert workflow["permissions"] == {}
    permissions = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    assert permissions.pop("cleanup") == {"actions": "write"}
    assert all(right == {"contents": "read"} for right in permissions.values())


def test_no_checkout_keeps_its_credentials() -> None:
    steps = [step for job in _load(_GITHUB)["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
