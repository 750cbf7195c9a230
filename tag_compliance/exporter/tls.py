"""TLS with a certificate that may change while the server runs."""

from __future__ import annotations

import ssl
from pathlib import Path

from tag_compliance.exporter.reloaded import Reloaded


def read_certificate(certificate: Path, key: Path) -> Reloaded[ssl.SSLContext]:
    """The pair, kept up to date. Raises `BadConfiguration` where it cannot be used."""
    files = {"--tls-cert": certificate, "--tls-key": key}
    return Reloaded("the TLS certificate", files, lambda: _context(certificate, key))


def create_server_context(current: Reloaded[ssl.SSLContext]) -> ssl.SSLContext:
    """A context whose every new handshake uses the current pair.

    OpenSSL asks the callback in each handshake, with or without a server name. Loading a new pair
    into the live context instead would leave the new certificate with the old key, should the
    second of the two files be a bad one.
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
    # A password, for else OpenSSL asks the terminal for that of an encrypted key.
    context.load_cert_chain(certificate, key, password="")
    return context
