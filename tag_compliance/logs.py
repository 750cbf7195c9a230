"""Log lines on stderr: an event each, with its fields, for a person or for a machine."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO


class LogFormat(StrEnum):
    """How a line looks."""

    TEXT = "text"
    JSON = "json"


LEVELS = ("debug", "info", "warning", "error")

# At debug level these write the headers and bodies of AWS's answers, session tokens included.
_NEVER_BELOW_WARNING = ("botocore", "boto3", "urllib3", "s3transfer", "alembic")


def configure_logs(level: str, format_: LogFormat, stream: TextIO | None = None) -> None:
    """Sends the log of the whole process to stderr, or to the stream; replaces what was set up."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if format_ is LogFormat.JSON else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NEVER_BELOW_WARNING:
        logging.getLogger(name).setLevel(logging.WARNING)


def _fields_of(record: logging.LogRecord) -> Mapping[str, Any]:
    fields = getattr(record, "fields", {})
    return fields if isinstance(fields, Mapping) else {}


def _time_of(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Text(logging.Formatter):
    """A line for each event; the lines of a traceback are indented, so that none looks like one."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(
            f" {_shown(key)}={_shown(value)}" for key, value in _fields_of(record).items()
        )
        event = _on_one_line(record.getMessage())
        line = f"{_time_of(record)} {record.levelname.lower():7} {event}{fields}"
        if not record.exc_info:
            return line
        traceback = self.formatException(record.exc_info).split("\n")
        return "\n".join([line, *(f"    {_on_one_line(told)}" for told in traceback)])


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time_of(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        line = {**line, **_fields_of(record), **line}  # no field passes for the event's own
        try:
            return json.dumps(line, default=str, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError):  # what JSON has no form for: NaN, keys that are no text
            return json.dumps({str(k): str(v) for k, v in line.items()}, ensure_ascii=False)


def _shown(value: object) -> str:
    text = str(value)
    if text and text.isprintable() and not set(text) & set(' ="'):
        return text
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{_on_one_line(escaped)}"'


def _on_one_line(text: str) -> str:
    """Control characters as escapes: a line feed would begin a line, an ESC command a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
