"""Records every call, and injects the fault that the plan has for it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from tag_compliance.simulator.service import Call
from tag_compliance.simulator.wire import Delivery, Request, Response
from tag_compliance_tests.fake_aws.calls import CallLog
from tag_compliance_tests.fake_aws.damages import DAMAGES
from tag_compliance_tests.fake_aws.fault_plan import FaultPlan
from tag_compliance_tests.fake_aws.faults import Fault
from tag_compliance_tests.fake_aws.refusals import refusal

_HTML = b"<html><body><h1>Service Unavailable</h1></body></html>"
_FOREIGN_RESPONSES: Mapping[Fault, Response] = {
    Fault.HTTP_503: Response(503, "text/plain", b""),
    Fault.HTTP_503_HTML: Response(503, "text/html", _HTML),
    Fault.NOT_JSON: Response(200, "text/html", _HTML),
}
_DELIVERIES: Mapping[Fault, Delivery] = {
    Fault.TRUNCATED_BODY: Delivery.TRUNCATED,
    Fault.CUT_CONNECTION: Delivery.CLOSED,
    Fault.HANG: Delivery.NEVER,
}


class FaultInjector:
    """The interceptor of the fake."""

    def __init__(self, faults: FaultPlan, calls: CallLog) -> None:
        self._faults = faults
        self._calls = calls

    def intercept(self, request: Request, call: Call, proceed: Callable[[], Response]) -> Response:
        self._calls.record(call)
        rule = self._faults.rule_for(call)
        if rule is None:
            return proceed()
        fault = rule.fault
        if error := refusal(fault, request, call):
            raise error
        if foreign := _FOREIGN_RESPONSES.get(fault):
            return foreign
        response = proceed()
        if delivery := _DELIVERIES.get(fault):
            return replace(response, delivery=delivery)
        if fault is Fault.SLOW:
            return replace(response, delay_seconds=rule.seconds)
        return _damaged(response, fault, call)


def _damaged(response: Response, fault: Fault, call: Call) -> Response:
    damage = DAMAGES.get(fault)
    if damage is None or call.page is None or response.status != 200:
        return response
    body = json.loads(response.body)
    damage(body, call.page)
    return replace(response, body=json.dumps(body).encode())
