"""The one address of all simulated services: authenticates a request and calls its service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tag_compliance.simulator.autoscaling import AutoScalingService
from tag_compliance.simulator.credentials import CredentialStore
from tag_compliance.simulator.ec2 import Ec2Service
from tag_compliance.simulator.iam import IamService
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.organizations import OrganizationsService
from tag_compliance.simulator.protocols import JsonProtocol, QueryProtocol, RestJsonProtocol
from tag_compliance.simulator.resource_explorer import ExplorerService
from tag_compliance.simulator.sts import StsService
from tag_compliance.simulator.tagging import TaggingService
from tag_compliance.simulator.wire import AwsError, Call, Request, Response, Scope

Service = (
    AutoScalingService
    | Ec2Service
    | ExplorerService
    | IamService
    | OrganizationsService
    | StsService
    | TaggingService
)

Interceptor = Callable[[Request, Call, Callable[[], Response]], Response]
"""Called for each call that a service could parse, before AWS checks its credentials. It returns
the response of AWS, which its last argument returns, or another one. An `AwsError` that it raises
is returned to the client."""


@dataclass(eq=False)
class Endpoint:
    """Finds the service of a request by its credential scope."""

    organization: Organization
    credentials: CredentialStore
    services: tuple[Service, ...]
    interceptor: Interceptor | None

    def respond(self, request: Request) -> Response:
        """The response of AWS, or of the interceptor."""
        # The protocol of errors about an unknown service.
        is_json = "x-amz-target" in request.headers
        protocol: JsonProtocol | QueryProtocol | RestJsonProtocol
        protocol = TaggingService.protocol if is_json else StsService.protocol
        try:
            scope = request.scope()
            service = next((s for s in self.services if s.name == scope.service), None)
            if service is None:
                message = f"{request.method} {request.target}: {scope.service} is not simulated"
                raise AwsError(400, "UnknownOperationException", message)
            protocol = service.protocol
            caller = self.credentials.caller(scope.access_key_id)
            call = service.parse(request, caller, scope.region)
            proceed = partial(self._proceed, request, scope, service, call)
            return self.interceptor(request, call, proceed) if self.interceptor else proceed()
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
        account = self.organization.get(call.caller.account_id)
        if not self.credentials.is_valid(scope.access_key_id, token) or (
            account is not None and call.region in account.disabled_regions
        ):
            raise AwsError(*service.protocol.invalid_credentials)
        if self.credentials.is_expired(scope.access_key_id):
            raise AwsError(*service.protocol.expired_credentials)
