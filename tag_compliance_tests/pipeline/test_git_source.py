"""The links of the assets to the source code on a Git server."""

from __future__ import annotations

import subprocess
from pathlib import Path

import dagster as dg
import pytest

import tag_compliance
from tag_compliance.pipeline.git_source import GitSource, find_git_source
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.support.system import require

GITHUB = "https://github.com/example/tags"


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    command = [require("git"), *settings, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A committed file of a repository without a remote."""
    file = tmp_path / "code" / "package" / "__init__.py"
    file.parent.mkdir(parents=True)
    file.touch()
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return file


def push(file: Path, url: str) -> str:
    """Makes the commit look pushed to this address."""
    git(file.parent, "remote", "add", "origin", url)
    git(file.parent, "update-ref", "refs/remotes/origin/main", "HEAD")
    return git(file.parent, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "url",
    [
        GITHUB,
        f"{GITHUB}.git",
        "https://user:secret@github.com/example/tags.git",
        "git@github.com:example/tags.git",
        "ssh://git@github.com/example/tags.git",
        "ssh://git@github.com:22/example/tags",
    ],
)
def test_a_pushed_commit_is_found_by_each_form_of_the_address_without_its_credentials(
    file: Path, url: str
) -> None:
    revision = push(file, url)
    path = "code/package/__init__.py"
    assert find_git_source(file) == GitSource(GITHUB, "github", revision, file, path)


def test_a_gitlab_of_a_company_is_recognized_by_its_name(file: Path) -> None:
    push(file, "git@gitlab.example.com:group/sub/tags.git")
    found = find_git_source(file)
    assert found
    assert (found.platform, found.url) == ("gitlab", "https://gitlab.example.com/group/sub/tags")


def test_there_is_no_link_without_a_remote_that_has_the_commit(file: Path) -> None:
    assert find_git_source(file) is None
    push(file, GITHUB)
    git(file.parent, "commit", "--quiet", "--allow-empty", "--message", "not pushed")
    assert find_git_source(file) is None


@pytest.mark.parametrize("url", ["https://example.com/tags.git", "/srv/github/tags.git"])
def test_there_is_no_link_to_a_server_of_an_unknown_kind(file: Path, url: str) -> None:
    push(file, url)
    assert find_git_source(file) is None


def test_an_installed_package_in_another_repository_is_not_linked_to_it(file: Path) -> None:
    push(file, GITHUB)
    installed = file.with_name("installed.py")
    installed.touch()
    assert find_git_source(installed) is None


def test_without_git_there_is_no_link(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push(file, GITHUB)
    monkeypatch.setenv("PATH", str(file.parent))
    assert find_git_source(file) is None


def test_the_assets_link_to_the_lines_of_their_functions(pipeline: Pipeline) -> None:
    pipeline.configure(["100000000000"])
    file = Path(tag_compliance.__file__)
    source = GitSource(GITHUB, "github", "abc", file, "tag_compliance/__init__.py")
    graph = pipeline.definitions(source=source).resolve_asset_graph()
    found = graph.get(dg.AssetKey("raw_resources")).metadata["dagster/code_references"]
    assert isinstance(found, dg.CodeReferencesMetadataValue)
    (link,) = found.code_references
    assert isinstance(link, dg.UrlCodeReference)
    assert link.url.startswith(f"{GITHUB}/tree/abc/tag_compliance/pipeline/assets.py#L")
