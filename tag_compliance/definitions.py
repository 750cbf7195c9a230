"""The code location that `workspace.yaml` names. Nothing is read until Dagster loads it."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from tag_compliance.aws.regions import known_regions
from tag_compliance.config import load_config
from tag_compliance.errors import BadConfiguration
from tag_compliance.pipeline.build import build_definitions, use_system_allocator


@dg.definitions
def definitions() -> dg.Definitions:
    """Loads with a faulty configuration, too: the run that reads it fails and names the faults."""
    use_system_allocator()
    path = Path(os.environ.get("TAG_COMPLIANCE_CONFIG") or "config.yaml")
    try:
        config = load_config(path, os.environ, known_regions())
    except BadConfiguration:
        config = None
    return build_definitions(path, config, os.environ)
