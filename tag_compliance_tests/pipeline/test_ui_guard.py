"""Which requests to Dagster's UI are refused: those that pages of other sites can send."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tag_compliance.pipeline.ui_guard import Message, Receive, Send, UiGuard

OWN, SITE = "127.0.0.1:3000", "http://127.0.0.1:3000"
FOREIGN = "https://evil.example"
MUTATION = "query=mutation%7BshutdownRepositoryLocation%7D"


def passes(
    method: str = "GET",
    path: str = "/",
    host: str = OWN,
    *,
    names: tuple[str, ...] | None = (),
    websocket: bool = False,
    **headers: str,
) -> bool:
    """Whether the request reaches the application; if not, it is refused with 403 or closed."""
    passed, sent = [], []

    async def app(scope: Message, _receive: Receive, _send: Send) -> None:
        passed.append(scope)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    sent_headers = {"host": host, **{k.replace("_", "-"): v for k, v in headers.items()}}
    scope: dict[str, Any] = {
        "type": "websocket" if websocket else "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in sent_headers.items()],
    }
    if not websocket:
        scope["method"] = method
    asyncio.run(UiGuard(app, names)(scope, receive, send))
    refusals = {"websocket.close"} if websocket else {"http.response.start", "http.response.body"}
    assert {message["type"] for message in sent} == (set() if passed else refusals)
    assert all(message.get("status", 403) == 403 for message in sent)
    return bool(passed)


def test_the_requests_of_the_ui_itself_and_of_programs_pass() -> None:
    assert passes(sec_fetch_site="none", sec_fetch_mode="navigate")
    assert passes(sec_fetch_site="same-origin", sec_fetch_mode="cors")
    assert passes("POST", "/graphql", origin=SITE, sec_fetch_site="same-origin")
    assert passes(path="/graphql", websocket=True, origin=SITE)
    assert passes("POST", "/graphql")


def test_a_link_of_another_site_to_the_ui_can_be_followed() -> None:
    assert passes(path="/runs", sec_fetch_site="cross-site", sec_fetch_mode="navigate")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_query_by_get_is_refused_because_an_image_of_any_page_can_send_it(method: str) -> None:
    assert not passes(method, f"/graphql?{MUTATION}")
    assert not passes(method, f"/graphql?{MUTATION}", sec_fetch_site="same-origin")
    assert not passes(method, f"/graphql?x=1&{MUTATION}", sec_fetch_mode="navigate")


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://127.0.0.1:8080", ""])
def test_a_request_of_the_page_of_another_origin_is_refused(origin: str) -> None:
    assert not passes("POST", "/graphql", origin=origin)
    assert not passes(path="/graphql", websocket=True, origin=origin)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_the_browser_marks_as_of_another_site_is_refused(site: str) -> None:
    assert not passes("POST", "/graphql", sec_fetch_site=site, sec_fetch_mode="navigate")
    assert not passes(path="/logs", sec_fetch_site=site, sec_fetch_mode="no-cors")


@pytest.mark.parametrize("host", ["evil.example:3000", "", "localhost.evil.example", "[", "a b"])
def test_a_name_that_can_point_to_this_host_is_refused_unless_any_name_is_allowed(
    host: str,
) -> None:
    assert not passes(host=host)
    assert passes(host=host, names=None)


@pytest.mark.parametrize("host", ["localhost:3000", "LOCALHOST", "127.0.0.1", "[::1]:3000"])
def test_localhost_and_addresses_pass(host: str) -> None:
    assert passes(host=host)


def test_names_that_are_allowed_pass_and_others_do_not() -> None:
    names = ("dagster.corp.example", "ui")
    for host in ("Dagster.corp.example", "ui:3000", "localhost:3000", "10.0.0.7:3000"):
        assert passes(host=host, names=names)
    for host in ("evil.example", "x.ui", ""):
        assert not passes(host=host, names=names)


@pytest.mark.parametrize("names", [None, ("ui.example",), ()])
def test_a_web_page_cannot_end_the_code_server_whatever_names_are_allowed(
    names: tuple[str, ...] | None,
) -> None:
    """By an image, a link, a form or a script of another site."""
    host = "ui.example" if names else "127.0.0.1:3000"
    attacks: list[tuple[str, dict[str, Any]]] = [
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}),
        ("GET", {}),
        ("POST", {"origin": FOREIGN}),
        ("POST", {"origin": "null", "sec_fetch_site": "cross-site"}),
        ("POST", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}),
    ]
    for method, headers in attacks:
        query = f"?{MUTATION}" if method == "GET" else ""
        assert not passes(method, f"/graphql{query}", host, names=names, **headers)
