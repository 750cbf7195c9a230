"""Copies what child processes print to stderr: without colours, and in JSON one event per line."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterable

from tag_compliance.cli.terminal import Style
from tag_compliance.logs import LogFormat, get_logger, on_one_line, printable_json

logger = get_logger(__name__)

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def relay(lines: Iterable[bytes], process: str, format_: str) -> None:
    """Returns at the end of `lines`; `process` is the name of the child in its events.

    Dagster colours its lines wherever they go. In JSON, a line that is no JSON object, such as a
    line of a traceback, becomes an event of this process.
    """
    coloured = Style.of(sys.stderr).coloured
    for line in lines:
        text = line.decode(errors="replace").rstrip("\r\n")
        if format_ != LogFormat.JSON:
            print(_for_terminal(text, coloured=coloured), file=sys.stderr, flush=True)
        elif event := _event_in(text):
            shown = printable_json(json.dumps(event, ensure_ascii=False))
            print(shown, file=sys.stderr, flush=True)
        elif text := _COLOUR.sub("", text):
            logger.warning(text, process=process)


def _for_terminal(text: str, *, coloured: bool) -> str:
    """Of the control characters only those of colours, and only on a terminal that wants them.

    A line can quote text from outside, for example in a traceback of Dagster.
    """
    colours = _COLOUR.findall(text) if coloured else []
    parts = [on_one_line(part.replace("\t", "    ")) for part in _COLOUR.split(text)]
    return "".join(itertools.chain(*itertools.zip_longest(parts, colours, fillvalue="")))


def _event_in(text: str) -> dict[str, object] | None:
    """The event of a JSON line, with the time under the name that this program gives it."""
    try:
        event = json.loads(text)
    except ValueError:
        return None
    if not isinstance(event, dict):
        return None
    return {"time": event.pop("timestamp"), **event} if "timestamp" in event else event
