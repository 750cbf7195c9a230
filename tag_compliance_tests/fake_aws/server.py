"""The fake: a simulated AWS with faults, a log of calls, and TLS."""

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.organizations import OrganizationsService
from tag_compliance.simulator.resource_explorer import ExplorerService
from tag_compliance.simulator.server import SimulatedAws
from tag_compliance.simulator.tagging import TaggingService
from tag_compliance.simulator.wire import Call, Delivery, Request, Response
from tag_compliance_tests.fake_aws.certificates import create_server_context
from tag_compliance_tests.fake_aws.explorer_damages import EXPLORER_DAMAGES
from tag_compliance_tests.fake_aws.fault_plan import FaultPlan, FaultRule
from tag_compliance_tests.fake_aws.faults import (
    DAMAGES,
    DELIVERIES,
    FOREIGN_RESPONSES,
    LIST_DAMAGES,
    PIECES,
    Fault,
    refusal,
)
from tag_compliance_tests.fake_aws.xml_damages import XML_DAMAGES, damaged_xml


class CallLog:
    """Calls in the order of their arrival; with `enabled=False` it stays empty."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._calls: list[Call] = []
        self._changed = threading.Condition()

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def record(self, call: Call) -> None:
        if self._enabled:
            with self._changed:
                self._calls.append(call)
                self._changed.notify_all()

    def matching(
        self,
        operation: str | None = None,
        account_id: str | None = None,
        region: str | None = None,
    ) -> list[Call]:
        return [
            call
            for call in self
            if operation in (None, call.operation)
            and account_id in (None, call.account_id)
            and region in (None, call.region)
        ]

    def count(self, *args: str, **where: str) -> int:
        """How many calls match, with the parameters of `matching`."""
        return len(self.matching(*args, **where))

    def wait_for(self, operation: str, count: int = 1, timeout: float = 10.0) -> bool:
        """Whether so many calls of the operation arrive within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count(operation) >= count, timeout)


@dataclass(eq=False)
class FakeAws(SimulatedAws):
    """`ca_bundle` is where the authority for TLS is written, by default in a temporary folder."""

    organization: Organization = field(default_factory=Organization)
    faults: FaultPlan = field(default_factory=FaultPlan, kw_only=True)
    record_calls: bool = field(default=True, kw_only=True)
    tls: bool = field(default=False, kw_only=True)
    ca_bundle: Path | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self.calls = CallLog(enabled=self.record_calls)
        self.interceptor = self._inject
        self._resources = ExitStack()
        if self.tls:
            if self.ca_bundle is None:
                folder = tempfile.TemporaryDirectory(prefix="fake-aws-")
                self.ca_bundle = Path(self._resources.enter_context(folder), "ca.pem")
            self.tls_context = create_server_context(self.ca_bundle)
        super().__post_init__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._resources.close()

    def environment(self) -> dict[str, str]:
        variables = super().environment()
        if self.ca_bundle:
            variables["AWS_CA_BUNDLE"] = str(self.ca_bundle)
        return variables

    def issued_secrets(self) -> frozenset[str]:
        """Every secret that a client has seen: none of them may appear in its output."""
        return self.credentials.secrets()

    def _inject(self, request: Request, call: Call, proceed: Callable[[], Response]) -> Response:
        """Records the call, and injects the fault that the plan has for it."""
        self.calls.record(call)
        rule = self.faults.rule_for(call)
        if rule is None:
            return proceed()
        fault = rule.fault
        if error := refusal(fault, request, call):
            raise error
        if foreign := FOREIGN_RESPONSES.get(fault):
            return foreign
        response = proceed()
        if fault not in {*DAMAGES, *LIST_DAMAGES, *XML_DAMAGES, *EXPLORER_DAMAGES}:
            return _delivered(response, rule)
        if response.status != 200:
            return response
        return _damaged(fault, call, response)


def _damaged(fault: Fault, call: Call, response: Response) -> Response:
    if call.service == OrganizationsService.name:
        body = json.loads(response.body)
        LIST_DAMAGES[fault](body, call.parameters)
        return replace(response, body=json.dumps(body).encode())
    assert call.page is not None, f"{call.operation} returns no pages"
    damages = {TaggingService.name: DAMAGES, ExplorerService.name: EXPLORER_DAMAGES}
    if call.service not in damages:
        return replace(response, body=damaged_xml(fault, response.body, call.page))
    body = json.loads(response.body)
    damages[call.service][fault](body, call.page)
    return replace(response, body=json.dumps(body).encode())


def _delivered(response: Response, rule: FaultRule) -> Response:
    """The response, late or incomplete if that is the fault of the rule."""
    if delivery := DELIVERIES.get(rule.fault):
        return replace(response, delivery=delivery)
    if pieces := PIECES.get(rule.fault):
        return replace(response, delivery=Delivery.PIECES, pieces=pieces(response))
    if rule.fault is Fault.SLOW:
        return replace(response, delay_seconds=rule.seconds)
    return response
