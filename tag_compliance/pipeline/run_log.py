"""What of a run's log reaches stderr: Dagster's own console logger writes to stdout."""

import logging

import dagster as dg

LOGGER_NAME = "tag_compliance.run"


@dg.logger(description="Sends a run's log to the process's own, on stderr.")
def console(_context: dg.InitLoggerContext) -> logging.Logger:
    """The run's messages, without Dagster's events: those are in the event log, tracebacks too."""
    logger = logging.Logger(LOGGER_NAME, logging.INFO)
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
