"""The environment variables of the program: `TAG_COMPLIANCE_` and a flag or a key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

import click

from tag_compliance.logs import get_logger

_PREFIX = "TAG_COMPLIANCE_"

# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_ADDRESS = re.compile("(?:tcp|udp|sctp)://.*")
_NAME_OF_SERVICE = re.compile(
    ".*_(?:SERVICE_(?:HOST|PORT)(?:_[A-Z0-9_]+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_[A-Z]+)?)"
)


def is_address_of_service(value: str) -> bool:
    """Kubernetes sets TAG_COMPLIANCE_PORT=tcp://… in every pod of a namespace with a Service named
    `tag-compliance`, TAG_COMPLIANCE_UI_PORT for `tag-compliance-ui`.
    """
    return _ADDRESS.fullmatch(value) is not None


def unknown_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that look like ours, but that nothing reads, each with a hint.

    Without a running command, nothing is unknown.
    """
    context = click.get_current_context(silent=True)
    if context is None:
        return {}
    from tag_compliance.config import VARIABLES

    known = {*VARIABLES, *_variables_of(context.find_root().command)}
    return {
        name: _hint(name, known)
        for name, value in environment.items()
        if name.startswith(_PREFIX)
        and name not in known
        and not (is_address_of_service(value) or _NAME_OF_SERVICE.fullmatch(name))
    }


def warn_of_unknown_variables(environment: Mapping[str, str]) -> None:
    """One line for each."""
    for name, hint in unknown_variables(environment).items():
        get_logger(__name__).warning(
            "unknown environment variable, ignored", variable=name, hint=hint
        )


def _variables_of(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter.envvar, str):
            yield parameter.envvar
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from _variables_of(inner)


def _hint(name: str, known: Iterable[str]) -> str:
    from tag_compliance.config.model import KEYS

    key = name.removeprefix(_PREFIX)
    if key.lower() in {key.lower() for key in KEYS}:
        return "lists and maps are set in the configuration file only"
    keys = {variable.removeprefix(_PREFIX): variable for variable in known}
    near = difflib.get_close_matches(key, keys, n=1)
    return f"did you mean {keys[near[0]]}?" if near else "no option or key has this name"
