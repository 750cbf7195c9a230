"""Who may read findings: those with credentials, or this machine, or everyone."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

from tag_compliance.domain.findings_access import FindingsAccess
from tag_compliance.errors import FindingsForbidden
from tag_compliance.exporter.auth import Credentials

_FORWARDED = ("forwarded", "x-forwarded", "x-real-ip", "via")
"""How headers begin that a proxy adds: its client is on another machine."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the exporter: `credentials` are for everything except probes.

    Without them, `findings` says who may read findings.
    """

    credentials: tuple[Credentials, ...] = ()
    findings: FindingsAccess = FindingsAccess.CREDENTIALS


NO_CREDENTIALS = Access()


def check_findings_access(request: Request, access: Access) -> None:
    """Raises `FindingsForbidden` unless the client may read findings.

    `AuthMiddleware` has checked the credentials, if there are any. Without credentials, a web page
    from elsewhere could use the browser of a person on this machine, with a name that leads to a
    loopback address (DNS rebinding): the Host header then has that name.

    Blind spot: a proxy on this machine that adds none of its usual headers and sends a loopback
    name as Host.
    """
    if access.credentials or access.findings is FindingsAccess.OPEN:
        return
    server = request.scope.get("server") or ("",)
    client = request.client.host if request.client else ""
    if not (_is_loopback(str(server[0])) and _is_loopback(client)):
        raise FindingsForbidden("without credentials, findings are served only on this machine")
    if any(name.startswith(_FORWARDED) for name in request.headers):
        raise FindingsForbidden("without credentials, findings are not served through a proxy")
    host = request.headers.get("host", "")
    if not _is_loopback(_name_of(host)):
        raise FindingsForbidden(
            "without credentials, findings are served only for the names localhost, 127.0.0.1 and "
            f"[::1], not for {host[:100]!r}"
        )


def _name_of(host: str) -> str:
    """The name or address in a Host header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(name: str) -> bool:
    if name.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
