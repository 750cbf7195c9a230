"""The commands of the program, as click describes them."""

from __future__ import annotations

import click

from tag_compliance.cli.main import program

COMMANDS = program.commands


def options(command: str) -> list[click.Option]:
    """The options of a command, without `--help`."""
    return [option for option in COMMANDS[command].params if isinstance(option, click.Option)]


def parsed(command: str, *arguments: str) -> click.Context:
    """The command's context after parsing the arguments; raises `click.UsageError`."""
    return COMMANDS[command].make_context(command, list(arguments))
