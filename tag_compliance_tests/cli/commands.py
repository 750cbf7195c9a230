"""The commands of the program, as click describes them."""

from __future__ import annotations

import click

from tag_compliance.cli.main import program


def commands() -> dict[str, click.Command]:
    """Every command by its name."""
    context = click.Context(program)
    found = {name: program.get_command(context, name) for name in program.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def options(command: str) -> list[click.Option]:
    """The options of a command, without `--help`."""
    return [option for option in commands()[command].params if isinstance(option, click.Option)]


def parsed(command: str, *arguments: str) -> click.Context:
    """The command's context after parsing the arguments; raises `click.UsageError`."""
    return commands()[command].make_context(command, list(arguments))
