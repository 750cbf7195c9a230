"""What of a run's log reaches stderr: Dagster's own console logger writes to stdout."""

import logging
import os

import dagster as dg

from tag_compliance.logs import LogFormat, configure_logs

LOGGER_NAME = "tag_compliance.run"
_LEVEL, _FORMAT = "TAG_COMPLIANCE_LOG_LEVEL", "TAG_COMPLIANCE_LOG_FORMAT"


def _run_logger(_context: dg.InitLoggerContext) -> logging.Logger:
    if not logging.getLogger().handlers:
        # A worker that Dagster started, and not this project's command line.
        level, format_ = os.environ.get(_LEVEL) or "info", os.environ.get(_FORMAT) or "text"
        configure_logs(level, LogFormat(format_))
    logger = logging.Logger(LOGGER_NAME, logging.INFO)  # noqa: LOG001 - each run has its own
    logger.parent = logging.getLogger(LOGGER_NAME)
    logger.addFilter(_plain)
    return logger


def _plain(record: logging.LogRecord) -> bool:
    meta = getattr(record, "dagster_meta", {})
    if meta.get("dagster_event") is not None:
        return False
    record.msg, record.args = meta.get("orig_message", record.msg), None
    record.fields = {"run": str(meta.get("run_id", ""))[:8], "step": meta.get("step_key")}
    return True


console = dg.LoggerDefinition(
    _run_logger,
    description="The run's messages, on stderr. Dagster's events stay in the event log, where "
    "their tracebacks belong.",
)
