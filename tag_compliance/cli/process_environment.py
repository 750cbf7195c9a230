"""The one place where the command line changes the environment of its own process."""

from __future__ import annotations

import os
from collections.abc import Mapping


def set_process_environment(environment: Mapping[str, str]) -> None:
    """Replaces the environment of this process.

    boto3 reads AWS_* and the proxies' variables, and Dagster reads DAGSTER_*, from `os.environ`
    alone: `demo` must hide the user's own ones from them, and `scan` sets a few of Dagster's.
    """
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
