"""What `up` shows of its processes: lines without colours, or JSON events."""

from __future__ import annotations

import json

import pytest

from tag_compliance.cli.relay import relay
from tag_compliance.logs import LogFormat, configure_logs

LINES = (
    b"\x1b[32m2026-11-24\x1b[0m - dagster.daemon - \x1b[34mINFO\x1b[0m - started\n",
    b'{"timestamp": "2026-11-24T10:00:00Z", "level": "info", "event": "started"}\n',
    b"  File \xff, line 1",
)


def test_text_lines_are_copied_without_colours(capsys: pytest.CaptureFixture[str]) -> None:
    relay(LINES, "daemon", "text")
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == "2026-11-24 - dagster.daemon - INFO - started"
    assert second == LINES[1].decode().rstrip()
    assert third == "  File \ufffd, line 1"


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_line_that_quotes_text_from_outside_cannot_control_a_terminal(
    format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    event = b'{"event": "\\u202ea\\u009b2J"}'
    relay((b"\x1b[31ma\x1b]0;t\x07\xe2\x80\xa8b", event), "daemon", format_)
    printed = capsys.readouterr().err
    assert all(char.isprintable() or char == "\n" for char in printed)


def test_in_json_every_line_is_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", LogFormat.JSON)
    relay(LINES, "daemon", "json")
    first, second, third = map(json.loads, capsys.readouterr().err.splitlines())
    assert first["event"] == "2026-11-24 - dagster.daemon - INFO - started"
    assert second == {"time": "2026-11-24T10:00:00Z", "level": "info", "event": "started"}
    assert third["event"] == "  File \ufffd, line 1"
    assert {first["process"], third["process"]} == {"daemon"}
