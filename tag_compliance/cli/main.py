"""The program `tag-compliance`: parses the command line and hands over to one command.

A command's module is imported when the command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from signal import SIGINT
from typing import Final

from tag_compliance import __version__
from tag_compliance.cli.exit_code import ExitCode
from tag_compliance.cli.flags import Flags, port
from tag_compliance.cli.interrupts import Interrupted
from tag_compliance.errors import BadConfiguration, TagComplianceError
from tag_compliance.logs import LogFormat, configure_logs

PROGRAM: Final = "tag-compliance"

_SIGNAL = 128
"""And the signal's number: as a shell tells of a command that a signal has ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and answers its exit code; what a person can mend is told in plain lines."""
    arguments = build_parser(os.environ).parse_args(argv)
    configure_logs(arguments.log_level, LogFormat(arguments.log_format))
    # Dagster warns of each feature of its own that it calls beta; the lock file pins them all.
    warnings.filterwarnings("ignore", message=".*currently in (beta|preview)")
    try:
        code: int = importlib.import_module(arguments.module).run(arguments)
        if sys.stdout is not None:  # it is where the caller has closed it
            sys.stdout.flush()
    except BadConfiguration as error:
        _tell(error)
        return ExitCode.USAGE
    except TagComplianceError as error:
        _tell(error)
        return ExitCode.FAILED
    except KeyboardInterrupt as interrupt:
        return _SIGNAL + (interrupt.number if isinstance(interrupt, Interrupted) else SIGINT)
    except BrokenPipeError:
        # Whoever read stdout has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    return code


def build_parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser of all commands, with the defaults that the environment gives."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Tells which AWS resources break the company's tagging rules.",
        epilog="Every flag has an environment variable; a flag wins over it, it over the file.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, help_: str) -> Flags:
        sub = commands.add_parser(name, help=help_, description=help_)
        sub.set_defaults(module=f"tag_compliance.cli.{name.replace('-', '_')}")
        flags = Flags(sub, environment)
        flags.add_logging()
        return flags

    scan = command("scan", "Scan once, and print the metrics on stdout.")
    scan.add_config()
    _add_output(scan)
    scan.add("account", "scan this account alone; the others' data stay", metavar="ID")

    serve = command("serve", "Serve the newest snapshot to Prometheus.")
    serve.add_config()
    _add_serving(serve)

    up = command("up", "Run everything for one machine: Dagster's UI, the schedule, the exporter.")
    up.add_config()
    _add_running(up)
    _add_serving(up)

    check = command("check-config", "Validate the configuration and print what would be scanned.")
    check.add_config()

    doctor = command("doctor", "Try each account and region, and say what is missing where.")
    doctor.add_config()

    policy = command("iam-policy", "Print the IAM policies that the configuration needs, as JSON.")
    policy.add_config()
    policy.add(
        "policy",
        "print this one alone",
        choices=["base", "hub", "member", "trust", "exporter", "storage"],
    )
    policy.add("principal", "the base role, which the accounts' roles trust", metavar="ARN")
    policy.add("account", "for this account alone", metavar="ID")

    demo = command("demo", "Scan a simulated AWS organization: no account, no network.")
    demo.switch("up", "keep it running, with Dagster's UI and the exporter")
    _add_output(demo)
    _add_running(demo)
    _add_serving(demo)
    return parser


def _add_output(flags: Flags) -> None:
    flags.add(
        "output", "write the metrics to this file, in one step, instead of stdout", metavar="F"
    )
    flags.add("push", "push the metrics to this Pushgateway, instead of stdout", metavar="URL")


def _add_running(flags: Flags) -> None:
    flags.add("refresh-interval", "seconds between scans; wins over the file", metavar="S")
    flags.add("ui-host", "where Dagster's UI listens", default="127.0.0.1")
    flags.add("ui-port", "the port of Dagster's UI", default="3000", kind=port)


def _add_serving(flags: Flags) -> None:
    flags.add("host", "where the exporter listens", default="0.0.0.0")  # noqa: S104
    flags.add("port", "the exporter's port", default="8080", kind=port)
    flags.add("tls-cert", "serve TLS with this certificate chain, PEM", metavar="F")
    flags.add("tls-key", "its private key, PEM", metavar="F")
    flags.add("bearer-token-file", "ask for one of the tokens in this file", metavar="F")
    flags.add("basic-auth-file", "ask for one of the user:password lines in this file", metavar="F")


def _tell(error: TagComplianceError) -> None:
    for line in str(error).splitlines():
        print(f"{PROGRAM}: {line}", file=sys.stderr)
