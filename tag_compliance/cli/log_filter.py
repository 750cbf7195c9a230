"""Log lines that repeat what a command prints at its end."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from tag_compliance.logs import LogFormat

_SCANNER, _REPEATED = "tag_compliance.aws.scanner", "account not fully read"


@contextlib.contextmanager
def each_failure_once(log_format: str) -> Iterator[None]:
    """Keeps failures out of the log; JSON lines keep one event for each, because programs read it.

    The command prints every failure itself.
    """
    if log_format == LogFormat.JSON:
        yield
        return
    logger = logging.getLogger(_SCANNER)
    logger.addFilter(_is_other)
    try:
        yield
    finally:
        logger.removeFilter(_is_other)


def _is_other(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_REPEATED)
