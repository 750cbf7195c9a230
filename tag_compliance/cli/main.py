"""The program `tag-compliance`: parses the command line and runs one command.

A command's module is imported when the command is needed, and imports its libraries when it runs,
so that `--help` and shell completion are fast.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from signal import SIGINT
from typing import Any, Final

import click

from tag_compliance import __version__
from tag_compliance.cli.exit_code import ExitCode
from tag_compliance.cli.interrupts import Interrupted
from tag_compliance.errors import BadConfiguration, TagComplianceError

PROGRAM: Final = "tag-compliance"

COMMANDS: Final = {
    "scan": "Scan once and print the metrics.",
    "serve": "Serve the latest snapshot to Prometheus.",
    "up": "Run everything on one machine: Dagster's UI, the schedule, the exporter.",
    "check-config": "Validate the configuration and print what would be scanned.",
    "doctor": "Test whether each account and region can be read; print what is missing.",
    "iam-policy": "Print the IAM policies that the configuration needs, as JSON.",
    "demo": "Scan a simulated AWS organization, without credentials or network.",
}
"""Each command with its short help. `check-config` is the function `check_config` of the module
`tag_compliance.cli.check_config`, and so on.
"""

_EPILOG = """\
Every option has an environment variable. An option overrides its variable, and the variable
overrides the configuration file.

\b
Shell completion, in the shell's startup file:
  bash  eval "$(_TAG_COMPLIANCE_COMPLETE=bash_source tag-compliance)"
  zsh   eval "$(_TAG_COMPLIANCE_COMPLETE=zsh_source tag-compliance)"
  fish  _TAG_COMPLIANCE_COMPLETE=fish_source tag-compliance | source
"""

_SIGNAL = 128
"""Added to a signal's number: the exit code that shells use for a command ended by a signal."""


class LazyGroup(click.Group):
    """The commands of `COMMANDS`; the group's help imports none of their modules."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"tag_compliance.cli.{name}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> int:
        """Runs the command; prints errors that a person can fix as plain lines, without traceback.

        click itself ends the program with exit code 1 where the reader of stdout has gone.
        """
        try:
            code: int = super().invoke(ctx)
            if sys.stdout is not None:  # it is None where the caller has closed it
                sys.stdout.flush()
        except BadConfiguration as error:
            _print_error(error)
            return ExitCode.USAGE
        except TagComplianceError as error:
            _print_error(error)
            return ExitCode.FAILED
        except KeyboardInterrupt as interrupt:
            return _SIGNAL + (interrupt.number if isinstance(interrupt, Interrupted) else SIGINT)
        return code


@click.group(
    cls=LazyGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def program() -> None:
    """Find AWS resources that break the company's tagging rules; publish the results as metrics."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; `arguments` are those of the process if None."""
    try:
        code: Any = program.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OSError as error:  # stdout is on a full disk, for example
        print(f"{PROGRAM}: cannot write stdout: {error.strerror or error}", file=sys.stderr)
        return ExitCode.FAILED
    except click.Abort:
        return _SIGNAL + SIGINT
    except SystemExit as end:  # click raises it after completion and when stdout has no reader
        return int(end.code or 0)
    return int(code)


def _print_error(error: TagComplianceError) -> None:
    for line in str(error).splitlines():
        print(f"{PROGRAM}: {line}", file=sys.stderr)
