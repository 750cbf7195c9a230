"""Which calls fail: rules, and how often each of them was applied."""

import random
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from tag_compliance.simulator.organizations import OrganizationsService
from tag_compliance.simulator.wire import Call
from tag_compliance_tests.fake_aws.explorer_damages import EXPLORER_DAMAGES
from tag_compliance_tests.fake_aws.faults import DAMAGES, LIST_DAMAGES, Fault
from tag_compliance_tests.fake_aws.xml_damages import XML_DAMAGES

_PAGE_FAULTS = {
    *DAMAGES,
    *LIST_DAMAGES,
    *XML_DAMAGES,
    *EXPLORER_DAMAGES,
    Fault.PAGINATION_TOKEN_EXPIRED,
}


@dataclass(frozen=True, slots=True, eq=False)
class FaultRule:
    """The calls that a fault affects: None matches every call, and `times` None is no limit."""

    fault: Fault
    operation: str = "*"
    account_id: str | None = None
    region: str | None = None
    page: int | Literal["last"] | None = None
    times: int | None = None
    rate: float = 1.0
    seconds: float = 0.0

    def matches(self, call: Call) -> bool:
        return (
            self.operation in ("*", call.operation)
            and self.account_id in (None, call.account_id)
            and self.region in (None, call.region)
            and self._matches_page(call)
        )

    def _matches_page(self, call: Call) -> bool:
        if call.service == OrganizationsService.name:
            return self.page is None
        if call.page is None:
            return self.page is None and self.fault not in _PAGE_FAULTS
        if self.page == "last":
            return call.page.is_last
        return self.page in (None, call.page.token.number)


class FaultPlan:
    """Rules. The first one that matches a call is applied to it."""

    def __init__(self, *rules: FaultRule, seed: int = 0) -> None:
        self._rules = list(rules)
        self._seed = seed
        self._injections: Counter[FaultRule] = Counter()
        self._dice: dict[tuple[FaultRule, str, str], random.Random] = {}
        self._lock = threading.Lock()

    def add(self, fault: Fault, **where: Any) -> FaultRule:
        """A new rule, with the fields of `FaultRule`."""
        rule = FaultRule(fault, **where)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()
            self._injections.clear()
            self._dice.clear()

    def injections(self, rule: FaultRule) -> int:
        """How many calls the rule has affected."""
        return self._injections[rule]

    def rule_for(self, call: Call) -> FaultRule | None:
        """The rule that affects this call, which counts as an injection."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                if rule.matches(call) and self._is_due(rule, call):
                    self._injections[rule] += 1
                    return rule
        return None

    def _is_due(self, rule: FaultRule, call: Call) -> bool:
        if rule.times is not None and self._injections[rule] >= rule.times:
            return False
        if rule.rate >= 1.0:
            return True
        # One generator for each account and region, because the order of their calls depends on
        # the client's threads.
        key = (rule, call.account_id, call.region)
        if key not in self._dice:
            name = f"{self._seed}/{rule.fault}/{call.account_id}/{call.region}"
            self._dice[key] = random.Random(name)
        return self._dice[key].random() < rule.rate
