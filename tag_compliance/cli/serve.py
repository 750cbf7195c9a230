"""`tag-compliance serve`: runs the exporter in this process."""

from __future__ import annotations

import os
from pathlib import Path

from tag_compliance.cli import options
from tag_compliance.cli.declaration import command
from tag_compliance.cli.exit_code import ExitCode


@command(
    "tag-compliance serve --port 8080 --bearer-token-file tokens",
    complete="stopped by SIGTERM or Ctrl-C",
    failed="the exporter could not start",
)
@options.config_option
@options.serving_options
@options.logging_options
def serve(config: Path, serving: options.Serving, logs: options.Logs) -> int:
    """Serve the latest snapshot to Prometheus.

    Reads only the key `storage` of the configuration file, and not even that if
    TAG_COMPLIANCE_STORAGE is set.
    """
    from tag_compliance.config import storage_of
    from tag_compliance.exporter.server import ExporterSettings
    from tag_compliance.exporter.server import serve as serve_until_stopped

    logs.configure()
    serve_until_stopped(
        ExporterSettings(
            storage=storage_of(config, os.environ),
            host=serving.host,
            port=serving.port,
            tls_certificate=_path(serving.tls_cert),
            tls_key=_path(serving.tls_key),
            bearer_token_file=_path(serving.bearer_token_file),
            basic_auth_file=_path(serving.basic_auth_file),
        )
    )
    return ExitCode.COMPLETE


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
