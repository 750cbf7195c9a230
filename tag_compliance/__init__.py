"""Finds AWS resources that break the company's tagging rules; publishes the results as metrics."""

import importlib

__version__ = "0.1.0"

_COMPONENT = "TagComplianceComponent"


def __getattr__(name: str) -> object:
    """Dagster's component, which the other parts of the program must not import with Dagster."""
    if name == _COMPONENT:
        return getattr(importlib.import_module("tag_compliance.definitions"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), _COMPONENT]
