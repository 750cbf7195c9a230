"""The code location that `workspace.yaml` names, and the component for other code locations.

Nothing is read until Dagster loads one of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

import tag_compliance
from tag_compliance.aws.regions import known_regions
from tag_compliance.config import load_config
from tag_compliance.errors import BadConfiguration
from tag_compliance.pipeline.build import DEFAULT_GROUP, build_definitions, use_system_allocator
from tag_compliance.pipeline.git_source import find_git_source


@dg.definitions
def definitions() -> dg.Definitions:
    """Loads with a faulty configuration, too: the run that reads it fails and names the faults."""
    return _load(Path(os.environ.get("TAG_COMPLIANCE_CONFIG") or "config.yaml"))


class TagComplianceComponent(dg.Component, dg.Model, dg.Resolvable):
    """Finds AWS resources that break the company's tagging rules, and publishes metrics.

    `config` is the path of `config.yaml`, relative to the folder of `defs.yaml`; `key_prefix` and
    `group_name` place the assets in the catalog. The variables `TAG_COMPLIANCE_<KEY>` override the
    keys of the file.
    """

    config: str = "config.yaml"
    key_prefix: Sequence[str] = ()
    group_name: str = DEFAULT_GROUP

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        return _load(context.path / self.config, self.key_prefix, self.group_name)


def _load(
    path: Path, key_prefix: Sequence[str] = (), group_name: str = DEFAULT_GROUP
) -> dg.Definitions:
    use_system_allocator()
    try:
        config = load_config(path, os.environ, known_regions())
    except BadConfiguration:
        config = None
    return build_definitions(
        path,
        config,
        os.environ,
        key_prefix=key_prefix,
        group_name=group_name,
        source=find_git_source(Path(tag_compliance.__file__)),
    )
