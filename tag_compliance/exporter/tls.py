"""TLS with a certificate that can change while the server runs."""

from __future__ import annotations

import ssl
from pathlib import Path

from tag_compliance.exporter.file_reloader import FileReloader


def read_certificate(certificate: Path, key: Path) -> FileReloader[ssl.SSLContext]:
    """The pair, reloaded when a file changes. Raises `BadConfiguration` if it is unusable."""
    files = {"--tls-cert": certificate, "--tls-key": key}
    return FileReloader("the TLS certificate", files, lambda: _context(certificate, key))


def create_server_context(current: FileReloader[ssl.SSLContext]) -> ssl.SSLContext:
    """A context that uses the current pair in every new handshake.

    OpenSSL calls the callback in each handshake, with or without a server name. Loading a new pair
    into the context in use would combine the new certificate with the old key if the new key file
    is faulty.
    """

    def use_current(connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = current.value

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sni_callback = use_current
    return context


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    for path in (certificate, key):
        path.open("rb").close()  # ssl's own error for an unreadable file does not name it
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # With a password given, OpenSSL does not prompt for that of an encrypted key.
    context.load_cert_chain(certificate, key, password="")
    return context
