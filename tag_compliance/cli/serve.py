"""`tag-compliance serve`: the exporter, in this process."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tag_compliance.config import storage_of
from tag_compliance.exporter.server import ExporterSettings, serve


def run(arguments: argparse.Namespace) -> int:
    serve(settings_from(arguments))
    return 0


def settings_from(arguments: argparse.Namespace) -> ExporterSettings:
    def path(text: str | None) -> Path | None:
        return Path(text) if text else None

    return ExporterSettings(
        storage=storage_of(arguments.config, os.environ),
        host=arguments.host,
        port=arguments.port,
        tls_certificate=path(arguments.tls_cert),
        tls_key=path(arguments.tls_key),
        bearer_token_file=path(arguments.bearer_token_file),
        basic_auth_file=path(arguments.basic_auth_file),
    )
