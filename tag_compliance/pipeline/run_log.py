"""The log messages of a run on stderr: Dagster's own console logger writes to stdout."""

import logging
from collections.abc import Mapping

import dagster as dg

from tag_compliance.errors import Fault
from tag_compliance.logs import LEVELS, LogFormat, configure_logs, get_logger

_NAME = "tag_compliance.run"

NOT_READ = "not read: "
"""A message that begins so is for Dagster's run log only: the scanner has logged each account."""

logger = get_logger(_NAME)


class _RunLogHandler(logging.Handler):
    """Logs a run's messages as events of this process, without Dagster's own events."""

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        message = str(meta.get("orig_message", record.getMessage()))
        if meta.get("dagster_event") is None and not message.startswith(NOT_READ):
            logger.log(
                record.levelno,
                message,
                exc_info=record.exc_info,
                run=str(meta.get("run_id", ""))[:8],
                step=meta.get("step_key"),
            )


def build_run_logger(environment: Mapping[str, str]) -> dg.LoggerDefinition:
    """The logger of worker processes that Dagster starts; `environment` has its settings."""

    def run_logger(_context: dg.InitLoggerContext) -> logging.Logger:
        if not logging.getLogger().handlers:  # the command line has configured its own process
            _configure(environment)
        run_logger = logging.Logger(_NAME, logging.INFO)  # noqa: LOG001 - each run has its own
        run_logger.addHandler(_RunLogHandler())
        return run_logger

    return dg.LoggerDefinition(
        run_logger,
        description="The run's messages, on stderr. Dagster's events are in the event log, with "
        "their tracebacks.",
    )


def _configure(environment: Mapping[str, str]) -> None:
    """With an error here the run would never start, so a wrong value is only logged."""
    faults = []

    def chosen(variable: str, choices: tuple[str, ...], default: str) -> str:
        value = environment.get(variable) or default
        if value in choices:
            return value
        rule = f"must be one of {', '.join(choices)}; this run uses {default}"
        faults.append(Fault("environment variable", variable, value, rule))
        return default

    level = chosen("TAG_COMPLIANCE_LOG_LEVEL", LEVELS, "info")
    formats = tuple(format_.value for format_ in LogFormat)
    configure_logs(level, LogFormat(chosen("TAG_COMPLIANCE_LOG_FORMAT", formats, "text")))
    for fault in faults:
        logger.error(str(fault))
