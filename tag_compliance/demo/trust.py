"""The trust policies that moto does not enforce, enforced in front of it.

moto's own IAM enforcement knows identity policies, not the trust policy of a role in another
account, and its refusal names no resource, so this answers as STS itself does.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from uuid import uuid4
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ACCOUNT = 4
__all__ = ["TrustPolicies"]

# The shape of an error of the AWS query protocol, as STS sends it.
_REFUSAL = """\
<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>AccessDenied</Code>
    <Message>{message}</Message>
  </Error>
  <RequestId>{request_id}</RequestId>
</ErrorResponse>
"""

# More than any AssumeRole request has; a longer body is none.
_MOST_BYTES = 65_536


class TrustPolicies:
    """WSGI middleware that refuses sts:AssumeRole into accounts that do not trust the caller."""

    def __init__(
        self, application: WSGIApplication, caller_arn: str, untrusting: frozenset[str]
    ) -> None:
        self._application = application
        self._caller_arn = caller_arn
        self._untrusting = untrusting

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Refuse, or pass the request on."""
        role_arn = _role_to_assume(environ)
        if role_arn is None or _account_of(role_arn) not in self._untrusting:
            return self._application(environ, start_response)
        return self._refuse(role_arn, start_response)

    def _refuse(self, role_arn: str, start_response: StartResponse) -> Iterable[bytes]:
        message = (
            f"User: {self._caller_arn} is not authorized to perform: sts:AssumeRole "
            f"on resource: {role_arn}"
        )
        request_id = str(uuid4())
        body = _REFUSAL.format(message=escape(message), request_id=request_id).encode()
        headers = [
            ("Content-Type", "text/xml"),
            ("Content-Length", str(len(body))),
            ("x-amzn-RequestId", request_id),
        ]
        start_response("403 Forbidden", headers)
        return [body]


def _role_to_assume(environ: WSGIEnvironment) -> str | None:
    """The role of an AssumeRole request; nothing for any other request.

    The body is put back, since moto reads it again.
    """
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return None
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not 0 < length <= _MOST_BYTES:
        return None
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    form: dict[str, list[str]] = parse_qs(body.decode("utf-8", "replace"))
    if form.get("Action") != ["AssumeRole"]:
        return None
    return form.get("RoleArn", [""])[0]


def _account_of(role_arn: str) -> str:
    # arn:partition:iam::account:role/name
    parts = role_arn.split(":", 5)
    return parts[_ACCOUNT] if len(parts) > _ACCOUNT else ""
