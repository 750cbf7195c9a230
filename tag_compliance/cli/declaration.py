"""How commands and options are declared: exit codes, environment variables, groups of options.

Every option names its variable explicitly; click's automatic prefix would rename today's variables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, fields
from enum import IntEnum
from functools import wraps
from pathlib import Path
from typing import Any, Self

import click
from click.core import ParameterSource

from tag_compliance.cli.variables import is_address_of_service
from tag_compliance.domain.read_status import Outcome


class ExitCode(IntEnum):
    """Exit codes of all commands, on which pipelines and cron jobs depend."""

    COMPLETE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    FINDINGS = 4

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """The exit code of a scan with this outcome."""
        return cls["FAILED" if outcome is Outcome.NOTHING else outcome.name]


CommandFunction = Callable[..., int]
Decorator = Callable[[CommandFunction], CommandFunction]

# Whether a file can be read or written is reported by the code that opens it, with its own advice.
FILE = click.Path(readable=False, path_type=Path)


class ProgramOption(click.Option):
    """An option that ignores variables set by Kubernetes and does not take a flag as its value."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Ignores the address of a Service, which Kubernetes sets."""
        value = super().resolve_envvar_value(ctx)
        return None if value is not None and is_address_of_service(value) else value

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Names the source of a wrong value: the option or its variable."""
        source = ctx.get_parameter_source(self.name) if ctx and self.name else None
        if source is ParameterSource.ENVIRONMENT:
            return f"environment variable {self.envvar}"
        return f"'{self.opts[0]}'"

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Rejects `--output --push URL`, where click would take `--push` as the file's name."""
        given = ctx.get_parameter_source(self.name) is ParameterSource.COMMANDLINE
        flags = {name for own in ctx.command.params for name in own.opts}
        for text in value if isinstance(value, list | tuple) else [value]:
            if given and text in flags:
                message = f"Option '{self.opts[0]}' requires an argument, not '{text}'."
                raise click.BadOptionUsage(self.opts[0], message, ctx)
        return super().process_value(ctx, value)


class TextList(click.types.StringParamType):
    """The type of an option that may be repeated; its variable separates texts by commas."""

    def split_envvar_value(self, rv: str) -> list[str]:
        return [text.strip() for text in rv.split(",") if text.strip()]


class ChoiceList(click.Choice[str]):
    """The same for an option with a fixed set of values."""

    def split_envvar_value(self, rv: str) -> list[str]:
        return TextList().split_envvar_value(rv)


def port(value: str) -> int:
    """The type of a TCP port; 0 means any free port."""
    if not value.isdecimal() or int(value) > 65_535:  # noqa: PLR2004 - 16 bits
        raise click.BadParameter(f"'{value}' is not a port: it must be 0 to 65535.")
    return int(value)


def command(
    example: str, name: str | None = None, **meanings: str
) -> Callable[[CommandFunction], click.Command]:
    """Declares a command; its help ends with the example and the meanings of the exit codes.

    Without `name`, the function's name is the command's. `meanings` are by the names of `ExitCode`,
    in lower case.
    """
    meanings["usage"] = "wrong usage, or an invalid configuration"
    codes = "\n".join(
        f"  {code}  {meanings[meaning]}"
        for code in ExitCode
        if (meaning := code.name.lower()) in meanings
    )
    # click does not rewrap a paragraph that begins with \b.
    return click.command(name, epilog=f"\b\nExample:\n  {example}\n\n\b\nExit codes:\n{codes}")


def option(flag: str, variable: str, help_text: str, **settings: Any) -> Decorator:
    """Declares an option with its environment variable; the help shows both and the default."""
    settings |= {"help": help_text, "show_envvar": True, "show_default": True}
    return click.option(flag, cls=ProgramOption, envvar=variable, **settings)


def option_field(variable: str, help_text: str, **settings: Any) -> Any:
    """A field of a dataclass that `bundle` turns into an option; its flag is the field's name."""
    return field(metadata={"variable": variable, "help_text": help_text, **settings})


def bundle(parameter: str, kind: type) -> Decorator:
    """Declares an option for each field of the dataclass `kind`.

    The command receives all their values as one parameter of that type.
    """

    def decorate(command: CommandFunction) -> CommandFunction:
        @wraps(command)
        def with_bundle(**values: Any) -> int:
            bundled = {own.name: values.pop(own.name) for own in fields(kind)}
            return command(**values, **{parameter: kind(**bundled)})

        decorated: CommandFunction = with_bundle
        for declared in reversed(fields(kind)):
            flag = f"--{declared.name.replace('_', '-')}"
            decorated = option(flag, **declared.metadata)(decorated)
        return decorated

    return decorate
