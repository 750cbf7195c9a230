"""Log lines on stderr: one line for each event, with its fields, as text or as JSON.

structlog provides the loggers and the formatter. It is imported when a function here is called,
because it also imports `rich` if that is installed, which takes longer than `--help` may take.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger
    from structlog.typing import EventDict


class LogFormat(StrEnum):
    """The format of a line."""

    TEXT = "text"
    JSON = "json"


LEVELS = ("debug", "info", "warning", "error")

# At debug level they log the headers and bodies of AWS's responses, including session tokens.
_NEVER_BELOW_WARNING = ("botocore", "boto3", "urllib3", "s3transfer", "alembic")

# structlog calls `logging` through three functions of its own; a record names their caller.
_CALLER = 4

# The attribute of a record that contains the event and its fields, before they become one text.
_EVENT = "tag_compliance_event"


def get_logger(name: str) -> BoundLogger:
    """A logger whose calls take an event and its fields: `logger.info("region read", calls=3)`.

    It logs to `logging.getLogger(name)`: levels, handlers and `caplog` work as for any logger, and
    a handler that is not ours gets the event and its fields as text. The names `event`,
    `method_name` and structlog's `exc_info`, `stack_info` and `stacklevel` cannot be fields.
    """
    from structlog import stdlib

    processors = (stdlib.filter_by_level, stdlib.render_to_log_kwargs, _nest_fields)
    return stdlib.BoundLogger(logging.getLogger(name), processors, {})


def configure_logs(level: str, format_: LogFormat, stream: TextIO | None = None) -> None:
    """Sends the log and the warnings of the process to `stream` or stderr, and nowhere else."""
    from structlog.processors import format_exc_info
    from structlog.stdlib import ProcessorFormatter

    render = _render_json if format_ is LogFormat.JSON else _render_text
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(ProcessorFormatter(processors=[format_exc_info, render]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NEVER_BELOW_WARNING:
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.showwarning = _log_warning


def _log_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any
) -> None:
    """Instead of `logging.captureWarnings`, whose event includes the place and the source line."""
    where = f"{filename}:{lineno}"
    get_logger("py.warnings").warning(str(message), category=category.__name__, where=where)


def _nest_fields(_logger: object, _method: str, arguments: EventDict) -> EventDict:
    """The fields as one attribute of the record: `logging` refuses some names, `name` for one."""
    event, fields = arguments["msg"], arguments["extra"]
    text = on_one_line(str(event)) + "".join(
        f" {_quoted(key)}={_quoted(value)}" for key, value in fields.items()
    )
    return {"stacklevel": _CALLER, **arguments, "msg": text, "extra": {_EVENT: (event, fields)}}


def _render_text(_logger: object, _method: str, line: EventDict) -> str:
    """One line; those of a traceback are indented, so that none of them looks like an event."""
    record: logging.LogRecord = line["_record"]
    text = f"{_time_of(record)} {record.levelname.lower():7} {on_one_line(line['event'])}"
    traceback = line["exception"].split("\n") if "exception" in line else []
    return "\n".join([text, *(f"    {on_one_line(part)}" for part in traceback)])


def _render_json(_logger: object, _method: str, line: EventDict) -> str:
    record: logging.LogRecord = line["_record"]
    event, fields = getattr(record, _EVENT, (line["event"], {}))
    own = {
        "time": _time_of(record),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event,
    }
    if "exception" in line:
        own["exception"] = line["exception"]
    # The first `own` sets the order; the second keeps a field from replacing the time or the level.
    shown = {**own, **fields, **own}
    try:
        text = json.dumps(shown, default=str, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):  # what JSON cannot express: NaN, keys that are not text
        text = json.dumps({str(k): str(v) for k, v in shown.items()}, ensure_ascii=False)
    return printable_json(text)


def printable_json(text: str) -> str:
    """The document with every control character in its texts escaped; line feeds between them stay.

    JSON itself escapes only the oldest ones; others are commands of terminals, too.
    """
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _time_of(record: logging.LogRecord) -> str:
    time = datetime.fromtimestamp(record.created, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(value: Any) -> str:
    """The value, in quotes if it is empty or could be read as more than one value.

    structlog's renderers are not used: `LogfmtRenderer` writes control characters as they are and
    raises for some keys; `KeyValueRenderer` trusts each value's `repr`.
    """
    text = str(value)
    if text and text.isprintable() and not set(text) & set(' ="'):
        return text
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{on_one_line(escaped)}"'


def on_one_line(text: str) -> str:
    """Escapes control characters: a line feed would start a line, ESC a terminal command."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
