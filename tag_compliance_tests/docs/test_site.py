"""The documentation as a site: every page is reachable, and links from elsewhere lead to it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import tag_compliance

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_PAGES = sorted(path.stem for path in DOCS.glob("*.md"))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def runbook_urls() -> list[str]:
    groups = yaml.safe_load(text_of("monitoring/alerts.yaml"))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return [alert["annotations"]["runbook_url"] for alert in alerts]


def base_url() -> str:
    found = re.findall(r'^html_baseurl = "(https://.+/)"$', text_of("docs/conf.py"), re.MULTILINE)
    return str(found[0])


def test_the_index_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w-]+)\.md(?:#[\w-]+)?\)", text_of("docs/index.md")))
    assert linked == set(_PAGES) - {"index"}


@pytest.mark.parametrize(
    "reader", ["new user", "operator", "FinOps lead", "Dagster developer", "policy author"]
)
def test_the_index_names_every_kind_of_reader(reader: str) -> None:
    assert f"**{reader}**" in text_of("docs/index.md")


def test_the_navigation_of_the_site_lists_every_page() -> None:
    listed = re.findall(r'^    "\w+": "(.+)",$', text_of("docs/conf.py"), re.MULTILINE)
    pages = [page for group in listed for page in group.split(r"\n")]
    assert sorted(pages) == [page for page in _PAGES if page != "index"]


def test_every_runbook_url_is_the_address_of_the_documentation_and_the_heading_of_its_alert() -> (
    None
):
    headings = {
        h.lower() for h in re.findall(r"^### (\w+)$", text_of("docs/operations.md"), re.MULTILINE)
    }
    for url in runbook_urls():
        page, _, anchor = url.partition("#")
        assert page == f"{base_url()}operations.html", "run `make runbook-urls`"
        assert anchor in headings


def test_make_writes_another_address_into_every_alert_rule_and_the_page(tmp_path: Path) -> None:
    pages = "tag_compliance/exporter/html_pages.py"
    for name in ("Makefile", "monitoring", "k8s", "docs/conf.py", pages):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    page = "https://git.example.org/tags/-/blob/main/docs/operations.md"
    command = ["make", "--silent", "runbook-urls", f"RUNBOOK_URL={page}"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    for name in ("alerts.yaml", "alerts_test.yaml"):
        before = text_of(f"monitoring/{name}")
        after = (tmp_path / "monitoring" / name).read_text(encoding="utf-8")
        assert after == before.replace(f"{base_url()}operations.html#", f"{page}#")
        assert after != before
    rule = "k8s/components/servicemonitor/prometheusrule.yaml"
    assert (tmp_path / rule).read_text(encoding="utf-8").count(page) == len(runbook_urls())
    blind_spots = page.replace("operations.md", "metrics.md#blind-spots")
    assert f'"{blind_spots}"' in (tmp_path / pages).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_site_builds_without_a_broken_link_and_has_every_runbook(tmp_path: Path) -> None:
    """Where Sphinx is installed; `.ci/run` installs it and builds the site in any case."""
    program = shutil.which("sphinx-build", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("sphinx-build is not installed; `make docs` installs it")
    options = ["--builder", "html", "--fail-on-warning", "--fresh-env", "--quiet"]
    done = subprocess.run(
        [program, *options, "--doctree-dir", str(tmp_path / "doctrees"), str(DOCS), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "operations.html").read_text(encoding="utf-8")
    ids = set(re.findall(r'id="([\w-]+)"', page))
    assert {url.partition("#")[2] for url in runbook_urls()} <= ids
    assert (tmp_path / "searchindex.js").exists()


def test_ci_builds_the_site() -> None:
    for name in (".ci/run", ".github/workflows/ci.yml", ".gitlab-ci.yml"):
        assert re.search(r"\bmake docs\b", text_of(name))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-docs.txt"])
def test_a_lock_file_has_hashes_and_names_no_index(name: str) -> None:
    text = text_of(name)
    assert text.count("==") > 10
    for pin in re.findall(r"^[\w.-]+==.*(?:\n    .*)*", text, re.MULTILINE):
        assert "--hash=sha256:" in pin
    assert "://" not in text
    assert "--index-url" not in text


def test_the_site_is_built_with_the_locked_versions_of_the_other_lock_files() -> None:
    """All of them are installed into one environment."""

    def pins(lock: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)(?! *;)", text_of(lock), re.MULTILINE))

    docs, dev = pins("requirements-docs.txt"), pins("requirements-dev.txt")
    assert {name: docs[name] for name in docs.keys() & dev.keys()} == {
        name: dev[name] for name in docs.keys() & dev.keys()
    }


def test_the_commands_with_docker_are_those_of_the_user_and_home_of_the_image() -> None:
    dockerfile = text_of("Dockerfile")
    assert "USER 10001:10001" in dockerfile
    assert "HOME=/app" in dockerfile
    section = text_of("docs/operations.md").partition("## Install")[2].partition("\n### ")[0]
    assert "install -o 10001 -m 600" in section
    assert "-v ./aws:/app/.aws:ro" in section


def test_the_version_is_the_same_in_the_program_the_changelog_and_the_manifests() -> None:
    version = tag_compliance.__version__
    assert re.findall(r"^## (\d\S*?),? ", text_of("CHANGELOG.md"), re.MULTILINE)[0] == version
    assert f"ARG VERSION={version}\n" in text_of("Dockerfile")
    for name in ("kustomization.yaml", "overlays/scale-out/kustomization.yaml"):
        assert set(re.findall(r"newTag: (\S+)", text_of(f"k8s/{name}"))) == {version}
    assert re.findall(r"tag: (\S+)", text_of("k8s/helm-values.yaml")) == [version]


def test_the_license_is_part_of_the_package() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
    assert "Apache License\n                           Version 2.0" in text_of("LICENSE")
