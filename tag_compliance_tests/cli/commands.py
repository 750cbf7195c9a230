"""The commands of the program, as click describes them."""

from __future__ import annotations

import click

from tag_compliance.cli.main import program

COMMANDS = program.commands
SINGLE_COMMANDS = [name for name, found in COMMANDS.items() if not isinstance(found, click.Group)]


def command_of(path: str) -> click.Command:
    """The command with this name, or `group command`."""
    found: click.Command = program
    for name in path.split():
        assert isinstance(found, click.Group)
        found = found.commands[name]
    return found


def options(command: str) -> list[click.Option]:
    """The options of a command, without `--help`."""
    return [param for param in command_of(command).params if isinstance(param, click.Option)]


def parsed(command: str, *arguments: str) -> click.Context:
    """The command's context after parsing the arguments; raises `click.UsageError`."""
    return command_of(command).make_context(command, list(arguments))
