"""Testing the alert hook of a configuration that has other faults."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tag_compliance.config import alert_hook_of
from tag_compliance.errors import BadConfiguration


@contextlib.contextmanager
def alert_hook_tested(path: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Within, an invalid configuration is reported together with an alert hook that is wrong."""
    try:
        yield
    except BadConfiguration as error:
        named = alert_hook_of(path, environment)
        if named is not None:
            from tag_compliance.pipeline.alerts import load_hook  # with Dagster: two seconds

            try:
                load_hook(named, str(path))
            except BadConfiguration as wrong:
                raise BadConfiguration((*error.faults, *wrong.faults)) from None
        raise
