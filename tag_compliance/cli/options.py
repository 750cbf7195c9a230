"""The options that several commands share, each declared once."""

from __future__ import annotations

from dataclasses import dataclass

import click

from tag_compliance.cli.completion import complete_account_ids
from tag_compliance.cli.declaration import (
    CONFIG_FILE,
    FILE,
    Decorator,
    bundle,
    option,
    option_field,
    port,
)
from tag_compliance.logs import LEVELS, LogFormat, configure_logs

_LEVELS = click.Choice(LEVELS)
_FORMATS = click.Choice([format_.value for format_ in LogFormat])
_ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - Prometheus runs on another machine


@dataclass(frozen=True, slots=True)
class Logs:
    """What is logged to stderr, and in which form."""

    log_level: str = option_field(
        "TAG_COMPLIANCE_LOG_LEVEL", "The lowest level that is logged.", type=_LEVELS, default="info"
    )
    log_format: str = option_field(
        "TAG_COMPLIANCE_LOG_FORMAT", "The form of the log lines.", type=_FORMATS, default="text"
    )

    def configure(self) -> None:
        """Sets up the log of this process."""
        configure_logs(self.log_level, LogFormat(self.log_format))


@dataclass(frozen=True, slots=True)
class Output:
    """Where a scan writes the metrics: a file, a Pushgateway, or both; stdout without either."""

    output: str | None = option_field(
        "TAG_COMPLIANCE_OUTPUT",
        "Write the metrics to this file, which is replaced atomically, instead of stdout.",
        type=FILE,
    )
    push: str | None = option_field(
        "TAG_COMPLIANCE_PUSH", "Push the metrics to this Pushgateway instead.", metavar="URL"
    )


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule, and the address of Dagster's UI."""

    refresh_interval: str | None = option_field(
        "TAG_COMPLIANCE_REFRESH_INTERVAL",
        "The time between scans; overrides the configuration file.",
        metavar="SECONDS",
    )
    ui_host: str = option_field(
        "TAG_COMPLIANCE_UI_HOST", "The address of Dagster's UI.", default="127.0.0.1"
    )
    ui_port: int = option_field(
        "TAG_COMPLIANCE_UI_PORT", "The port of Dagster's UI.", type=port, default="3000"
    )


@dataclass(frozen=True, slots=True)
class Serving:
    """The exporter's address, and the files that secure it."""

    host: str = option_field(
        "TAG_COMPLIANCE_HOST", "The address that the exporter listens on.", default=_ANY_ADDRESS
    )
    port: int = option_field(
        "TAG_COMPLIANCE_PORT", "The exporter's port.", type=port, default="8080"
    )
    tls_cert: str | None = option_field(
        "TAG_COMPLIANCE_TLS_CERT", "Serve TLS with this certificate chain (PEM).", type=FILE
    )
    tls_key: str | None = option_field(
        "TAG_COMPLIANCE_TLS_KEY", "The private key of the certificate (PEM).", type=FILE
    )
    bearer_token_file: str | None = option_field(
        "TAG_COMPLIANCE_BEARER_TOKEN_FILE",
        "Require one of the bearer tokens in this file, one per line.",
        type=FILE,
    )
    basic_auth_file: str | None = option_field(
        "TAG_COMPLIANCE_BASIC_AUTH_FILE",
        "Require one of the user:password lines in this file.",
        type=FILE,
    )


config_option = option(
    "--config",
    "TAG_COMPLIANCE_CONFIG",
    "The configuration file.",
    type=CONFIG_FILE,
    default="config.yaml",
)
logging_options = bundle("logs", Logs)
output_options = bundle("output", Output)
schedule_options = bundle("schedule", Schedule)
serving_options = bundle("serving", Serving)


def account_option(help_text: str) -> Decorator:
    return option(
        "--account",
        "TAG_COMPLIANCE_ACCOUNT",
        help_text,
        metavar="ID",
        shell_complete=complete_account_ids,
    )
