"""Flags that have an environment variable each: a flag wins over its variable."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tag_compliance.logs import LEVELS, LogFormat

PREFIX = "TAG_COMPLIANCE_"


class Flags:
    """Adds flags to a parser, each with the default that its variable in `environment` gives it."""

    def __init__(self, parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
        self._parser = parser
        self._environment = environment

    def add(  # noqa: PLR0913 - what argparse takes
        self,
        name: str,
        help_: str,
        *,
        default: str | None = None,
        kind: Callable[[str], Any] = str,
        choices: list[str] | None = None,
        metavar: str | None = None,
    ) -> None:
        """`--some-name`, or `TAG_COMPLIANCE_SOME_NAME`."""
        variable = f"{PREFIX}{name.upper().replace('-', '_')}"
        shown = f", default: {default}" if default is not None else ""
        self._parser.add_argument(
            f"--{name}",
            type=self._checked(_one_of(choices) if choices else kind, variable),
            # argparse passes a default that is a text through `type`, as it does a flag's value.
            default=self._given(variable) or default,
            metavar=metavar or (f"{{{','.join(choices)}}}" if choices else None),
            help=f"{help_} ({variable}{shown})",
        )

    def _checked(self, kind: Callable[[str], Any], variable: str) -> Callable[[str], Any]:
        """Tells of a wrong value whether the variable holds it; argparse names the flag alone."""

        def convert(text: str) -> Any:
            try:
                return kind(text)
            except (ValueError, argparse.ArgumentTypeError) as error:
                whose = f" (from {variable})" if self._environment.get(variable) == text else ""
                raise argparse.ArgumentTypeError(f"{error}{whose}") from None

        return convert

    def _given(self, variable: str) -> str | None:
        """The variable's value, unless Kubernetes set it: beside a Service of this program's name
        every pod has a TAG_COMPLIANCE_PORT=tcp://…
        """
        value = self._environment.get(variable)
        return None if value is not None and value.startswith("tcp://") else value

    def switch(self, name: str, help_: str) -> None:
        """A flag without a value; its variable is on for 1, true, yes and on."""
        variable = f"{PREFIX}{name.upper().replace('-', '_')}"
        on = self._environment.get(variable, "").lower() in {"1", "true", "yes", "on"}
        self._parser.add_argument(
            f"--{name}", action="store_true", default=on, help=f"{help_} ({variable})"
        )

    def add_logging(self) -> None:
        self.add("log-level", "what to log", default="info", choices=list(LEVELS))
        self.add(
            "log-format",
            "how a log line looks",
            default=LogFormat.TEXT.value,
            choices=[format_.value for format_ in LogFormat],
        )

    def add_config(self) -> None:
        self.add("config", "the configuration file", default="config.yaml", kind=Path, metavar="F")


def port(text: str) -> int:
    """A TCP port; 0 takes a free one."""
    if not text.isdecimal() or int(text) > 65_535:  # noqa: PLR2004 - 16 bits
        raise argparse.ArgumentTypeError(f"{text} is no port: it must be 0 to 65535")
    return int(text)


def _one_of(choices: list[str]) -> Callable[[str], str]:
    """In place of argparse's `choices`, which lets a variable's value pass unseen."""

    def convert(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(choices)}")
        return text

    return convert
