"""The options that several commands share, each declared once."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from tag_compliance.cli.declaration import FILE, Decorator, bundle, option, option_field, port
from tag_compliance.cli.variables import warn_of_unknown_variables
from tag_compliance.logs import LEVELS, LogFormat, configure_logs

_LEVELS = click.Choice(LEVELS)
_FORMATS = click.Choice([format_.value for format_ in LogFormat])
_ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - Prometheus runs on another machine


@dataclass(frozen=True, slots=True)
class Logs:
    """What is logged to stderr, and in which format."""

    log_level: str = option_field(
        "TAG_COMPLIANCE_LOG_LEVEL",
        "Log events of this level and above.",
        type=_LEVELS,
        default="info",
    )
    log_format: str = option_field(
        "TAG_COMPLIANCE_LOG_FORMAT", "The format of the log lines.", type=_FORMATS, default="text"
    )

    def configure(self) -> None:
        """Sets up the log of this process; the first lines warn of unknown variables."""
        configure_logs(self.log_level, LogFormat(self.log_format))
        warn_of_unknown_variables(os.environ)


class Format(StrEnum):
    """What a scan prints on stdout."""

    PROMETHEUS = "prometheus"
    JSON = "json"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Output:
    """Where a scan writes the metrics: a file, a Pushgateway, or both; stdout without either."""

    output: str | None = option_field(
        "TAG_COMPLIANCE_OUTPUT",
        "Write the metrics to this file, which is replaced atomically, instead of stdout; - is "
        "stdout.",
        type=click.Path(readable=False, allow_dash=True),
    )
    format: str | None = option_field(
        "TAG_COMPLIANCE_SCAN_FORMAT",
        "What to print on stdout: the metrics, the summary as a JSON document, or the summary as "
        "text. On a terminal the default is the summary, otherwise the metrics.",
        type=click.Choice([format_.value for format_ in Format]),
    )
    push: str | None = option_field(
        "TAG_COMPLIANCE_PUSH",
        "Push the metrics to this Pushgateway instead of printing them.",
        metavar="URL",
    )


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule, and the address of Dagster's UI."""

    refresh_interval: str | None = option_field(
        "TAG_COMPLIANCE_REFRESH_INTERVAL",
        "The time between two scans, for example 300, 5m or 2h; overrides the configuration file.",
        metavar="DURATION",
    )
    ui_host: str = option_field(
        "TAG_COMPLIANCE_UI_HOST", "The address that Dagster's UI listens on.", default="127.0.0.1"
    )
    ui_port: int = option_field(
        "TAG_COMPLIANCE_UI_PORT",
        "The port that Dagster's UI listens on.",
        type=port,
        default="3000",
    )
    ui_allowed_hosts: str | None = option_field(
        "TAG_COMPLIANCE_UI_ALLOWED_HOSTS",
        "The names under which browsers may use Dagster's UI, separated by commas, in addition to "
        "localhost and IP addresses. Without names, any name is allowed if the UI listens on "
        "another address than loopback.",
        metavar="NAMES",
    )


@dataclass(frozen=True, slots=True)
class Serving:
    """The exporter's address, and the files that secure it."""

    host: str = option_field(
        "TAG_COMPLIANCE_HOST", "The address that the exporter listens on.", default=_ANY_ADDRESS
    )
    port: int = option_field(
        "TAG_COMPLIANCE_PORT", "The port that the exporter listens on.", type=port, default="8080"
    )
    tls_cert: Path | None = option_field(
        "TAG_COMPLIANCE_TLS_CERT", "Serve HTTPS with this certificate chain (PEM).", type=FILE
    )
    tls_key: Path | None = option_field(
        "TAG_COMPLIANCE_TLS_KEY", "The private key of the certificate (PEM).", type=FILE
    )
    bearer_token_file: Path | None = option_field(
        "TAG_COMPLIANCE_BEARER_TOKEN_FILE",
        "Require one of the bearer tokens in this file, one per line.",
        type=FILE,
    )
    basic_auth_file: Path | None = option_field(
        "TAG_COMPLIANCE_BASIC_AUTH_FILE",
        "Require one of the user:password lines in this file.",
        type=FILE,
    )


config_option = option(
    "--config", "TAG_COMPLIANCE_CONFIG", "The configuration file.", type=FILE, default="config.yaml"
)
policy_files_argument = click.argument("files", nargs=-1, type=FILE, metavar="[FILE]...")
logging_options = bundle("logs", Logs)
output_options = bundle("output", Output)
schedule_options = bundle("schedule", Schedule)
serving_options = bundle("serving", Serving)


def account_option(help_text: str, variable: str = "TAG_COMPLIANCE_ACCOUNT") -> Decorator:
    return option(
        "--account",
        variable,
        help_text,
        metavar="ACCOUNT",
        shell_complete=_complete_account_ids,
    )


def _complete_account_ids(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The account ids in the configuration file; none if it cannot be read.

    Reads the YAML only: validating the configuration takes longer than a person waits for a tab.
    """
    import yaml  # only completion needs it

    # The shell would show an error in the middle of the command that a person types.
    with contextlib.suppress(Exception):
        content = yaml.safe_load(ctx.params["config"].read_bytes())
        return [
            CompletionItem(row["account_id"], help=row.get("account_name"))
            for row in content["aws_account_matrix"]
            if row["account_id"].startswith(incomplete)
        ]
    return []
