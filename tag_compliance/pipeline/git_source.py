"""Where the source code of this program is on a Git server, for the links of the assets."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import dagster as dg

_SECONDS = 5.0
_REMOTE = "origin"
_SSH = re.compile(r"(?:ssh://)?[^@/\s]+@(?P<host>[^:/\s]+)(?::[0-9]+/|[:/])(?P<path>\S+)")
_HTTPS = re.compile(r"https://(?:[^@/\s]*@)?(?P<host>[^/\s]+)/(?P<path>\S+)")


@dataclass(frozen=True, slots=True)
class GitSource:
    """`url` is the repository's page; `path` is that of the local `file` in the repository."""

    url: str
    platform: Literal["github", "gitlab"]
    revision: str
    file: Path
    path: str

    def link(self, assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
        """The assets with links to the server instead of the paths of local files."""
        linked = dg.link_code_references_to_git(
            assets,
            git_url=self.url,
            git_branch=self.revision,
            file_path_mapping=dg.AnchorBasedFilePathMapping(self.file, self.path),
            platform=self.platform,
        )
        return [asset for asset in linked if isinstance(asset, dg.AssetsDefinition)]


def find_git_source(file: Path) -> GitSource | None:
    """The source of a tracked file in a checkout of GitHub or GitLab.

    None without git, without the remote `origin`, for a server of another kind, and if no branch
    of the remote contains the commit: a link to a commit that was not pushed leads nowhere.
    """
    path = _git(file.parent, "ls-files", "--full-name", "--error-unmatch", "--", file.name)
    remote = path and _git(file.parent, "config", "--get", f"remote.{_REMOTE}.url")
    match = (_SSH.fullmatch(remote) or _HTTPS.fullmatch(remote)) if remote else None
    host = match["host"].lower() if match else ""
    platform: Literal["github", "gitlab"] | None = (
        "github" if "github" in host else "gitlab" if "gitlab" in host else None
    )
    revision = platform and _git(file.parent, "rev-parse", "--verify", "HEAD")
    if not (path and match and platform and revision):
        return None
    branches = ("for-each-ref", "--count=1", "--contains", revision, f"refs/remotes/{_REMOTE}")
    if not _git(file.parent, *branches):
        return None
    repository = match["path"].strip("/").removesuffix(".git")
    return GitSource(f"https://{host}/{repository}", platform, revision, file, path)


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None if it fails or is not installed."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git of the PATH
            capture_output=True,
            check=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip() or None
