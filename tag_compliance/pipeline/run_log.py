"""What of a run's log reaches stderr: Dagster's own console logger writes to stdout."""

import logging
import os

import dagster as dg

from tag_compliance.logs import LogFormat, configure_logs, get_logger

_LEVEL, _FORMAT = "TAG_COMPLIANCE_LOG_LEVEL", "TAG_COMPLIANCE_LOG_FORMAT"
_NAME = "tag_compliance.run"

logger = get_logger(_NAME)


class _RunLogHandler(logging.Handler):
    """Logs a run's messages as events of this process, without Dagster's own events."""

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        if meta.get("dagster_event") is None:
            logger.log(
                record.levelno,
                meta.get("orig_message", record.getMessage()),
                exc_info=record.exc_info,
                run=str(meta.get("run_id", ""))[:8],
                step=meta.get("step_key"),
            )


def _run_logger(_context: dg.InitLoggerContext) -> logging.Logger:
    if not logging.getLogger().handlers:
        # A worker that Dagster started, and not this project's command line.
        level, format_ = os.environ.get(_LEVEL) or "info", os.environ.get(_FORMAT) or "text"
        configure_logs(level, LogFormat(format_))
    run_logger = logging.Logger(_NAME, logging.INFO)  # noqa: LOG001 - each run has its own
    run_logger.addHandler(_RunLogHandler())
    return run_logger


console = dg.LoggerDefinition(
    _run_logger,
    description="The run's messages, on stderr. Dagster's events stay in the event log, where "
    "their tracebacks belong.",
)
