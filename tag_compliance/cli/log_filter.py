"""Log lines that repeat what a command prints at its end."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from tag_compliance.logs import LogFormat


@contextlib.contextmanager
def each_failure_once(log_format: str) -> Iterator[None]:
    """Keeps failures out of the log; JSON lines keep one event for each, because programs read it.

    The command prints every failure itself.
    """
    repeated = {"tag_compliance.run": "not read: "}
    if log_format == LogFormat.TEXT:
        repeated["tag_compliance.aws.scanner"] = "account not fully read"
    with contextlib.ExitStack() as stack:
        for name, beginning in repeated.items():
            stack.enter_context(_without(logging.getLogger(name), beginning))
        yield


@contextlib.contextmanager
def _without(logger: logging.Logger, beginning: str) -> Iterator[None]:
    def is_other(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(beginning)

    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)
