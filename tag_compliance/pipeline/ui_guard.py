"""Refuses requests to Dagster's UI that the web page of another site has sent.

Dagster's UI has no credentials, and it accepts changes by GET and from any origin. So any page that
is open in the browser of the host could stop `up` or start runs.
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that only programs on this machine reach."""

_FORBIDDEN = 403


class UiGuard:
    """An ASGI application in front of another one.

    The Host header must be `localhost`, an IP address or one of `names`: an attacker can let a name
    of their own point to this host. With `names` None it may be any name, as behind a proxy. The
    requests of other sites are refused in any case.
    """

    def __init__(self, app: App, names: Collection[str] | None = ()) -> None:
        self._app = app
        self._names = None if names is None else {name.lower() for name in names}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] in {"http", "websocket"} else ""
        if not refusal:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            content_type = (b"content-type", b"text/plain; charset=utf-8")
            start = {"type": "http.response.start", "status": _FORBIDDEN, "headers": [content_type]}
            await send(start)
            await send({"type": "http.response.body", "body": f"{refusal}\n".encode()})

    def _refusal(self, scope: Message) -> str:
        """Why the request is refused; an empty text if it is not."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        name = _name_of(host)
        if self._names is not None and name not in self._names and not _is_local(name):
            return (
                "the Host header must be localhost, an IP address or one of --ui-allowed-hosts "
                "(TAG_COMPLIANCE_UI_ALLOWED_HOSTS)"
            )
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return "the web page of another site has sent this request (Origin)"
        site, mode = headers.get(b"sec-fetch-site", "none"), headers.get(b"sec-fetch-mode")
        followed = mode == "navigate" and scope.get("method") == "GET"
        if site not in {"none", "same-origin"} and not followed:
            return "the web page of another site has sent this request (Sec-Fetch-Site)"
        by_query = b"query" in parse_qs(scope["query_string"], keep_blank_values=True)
        if by_query and scope.get("method", "POST") != "POST":
            return "a query must be sent by POST"
        return ""


def _is_local(name: str) -> bool:
    """Whether it is localhost or an IP address."""
    try:
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def _name_of(host: str) -> str:
    """A Host header without the port, in lower case; empty if it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
