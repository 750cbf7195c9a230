"""The one address of all simulated services: authenticates a request and calls its service."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tag_compliance.simulator.credentials import CredentialStore
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.sts import StsService
from tag_compliance.simulator.tagging import TaggingService
from tag_compliance.simulator.wire import AwsError, Call, Request, Response, Scope

Service = StsService | TaggingService

Interceptor = Callable[[Request, Call, Callable[[], Response]], Response]
"""Called for each call that a service could parse, before AWS checks its credentials. It returns
the response of AWS, which its last argument returns, or another one. An `AwsError` that it raises
is returned to the client."""


class Endpoint:
    """Finds the service of a request by its credential scope."""

    def __init__(
        self,
        organization: Organization,
        credentials: CredentialStore,
        services: tuple[Service, ...],
        interceptor: Interceptor | None = None,
    ) -> None:
        self._organization = organization
        self._credentials = credentials
        self._services = {service.name: service for service in services}
        self._interceptor = interceptor

    def respond(self, request: Request) -> Response:
        """The response of AWS, or of the interceptor."""
        # The protocol of errors about an unknown service.
        is_json = "x-amz-target" in request.headers
        protocol = TaggingService.protocol if is_json else StsService.protocol
        try:
            scope = request.scope()
            service = self._services.get(scope.service)
            if service is None:
                message = f"{request.method} {request.target}: {scope.service} is not simulated"
                raise AwsError(400, "UnknownOperationException", message)
            protocol = service.protocol
            caller = self._credentials.caller(scope.access_key_id)
            call = service.parse(request, caller, scope.region)
            proceed = partial(self._proceed, request, scope, service, call)
            return self._interceptor(request, call, proceed) if self._interceptor else proceed()
        except AwsError as error:
            return protocol.error_response(error)

    def _proceed(self, request: Request, scope: Scope, service: Service, call: Call) -> Response:
        try:
            self._authenticate(request, scope, service, call)
            return service.respond(call)
        except AwsError as error:
            return service.protocol.error_response(error)

    def _authenticate(self, request: Request, scope: Scope, service: Service, call: Call) -> None:
        """Refuse credentials that AWS would refuse: a disabled region knows no credentials."""
        token = request.headers.get("x-amz-security-token")
        account = self._organization.get(call.caller.account_id)
        if not self._credentials.is_valid(scope.access_key_id, token) or (
            account is not None and call.region in account.disabled_regions
        ):
            raise AwsError(*service.protocol.invalid_credentials)
        if self._credentials.is_expired(scope.access_key_id):
            raise AwsError(*service.protocol.expired_credentials)
