"""The program `tag-compliance`: parses the command line and runs one command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from signal import SIGINT

import click

from tag_compliance import __version__
from tag_compliance.cli.commands import check_config, doctor, iam_policy, scan, serve, up
from tag_compliance.cli.declaration import ExitCode
from tag_compliance.cli.demo import demo
from tag_compliance.cli.explain import explain
from tag_compliance.cli.interrupts import Interrupted
from tag_compliance.cli.policy import policy
from tag_compliance.cli.report import report
from tag_compliance.cli.terminal import discard_stdout, replace_closed_streams
from tag_compliance.errors import BadConfiguration, TagComplianceError
from tag_compliance.logs import on_one_line

_PROGRAM = "tag-compliance"

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


class _Program(click.Group):
    def list_commands(self, _ctx: click.Context) -> list[str]:
        """In the order in which they were added; click would sort them."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> int:
        """Runs the command; prints errors that a person can fix as plain lines, without traceback.

        click itself ends the program with exit code 1 if stdout is a pipe that has no reader.
        """
        try:
            code: int = super().invoke(ctx)
            sys.stdout.flush()
        except TagComplianceError as error:
            # Not `splitlines`: text from outside can contain other separators of lines.
            for line in str(error).split("\n"):
                print(f"{_PROGRAM}: {on_one_line(line)}", file=sys.stderr)
            return ExitCode.USAGE if isinstance(error, BadConfiguration) else ExitCode.FAILED
        except KeyboardInterrupt as interrupt:
            return _SIGNAL + (interrupt.number if isinstance(interrupt, Interrupted) else SIGINT)
        return code


@click.group(
    cls=_Program,
    commands=[
        scan,
        report,
        explain,
        serve,
        up,
        check_config,
        doctor,
        iam_policy,
        policy,
        demo,
    ],
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def program() -> None:
    """Find AWS resources that break the company's tagging rules; publish the results as metrics."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; `arguments` are those of the process if None."""
    replace_closed_streams()
    try:
        return int(program.main(arguments, prog_name=_PROGRAM, standalone_mode=False))
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OSError as error:  # stdout is on a full disk, for example
        print(f"{_PROGRAM}: cannot write stdout: {error.strerror or error}", file=sys.stderr)
        discard_stdout()
        return ExitCode.FAILED
    except click.Abort:
        return _SIGNAL + SIGINT
    except SystemExit as end:  # click raises it after completion and when stdout has no reader
        return int(end.code or 0)
