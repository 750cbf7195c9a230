"""The numbers of the policy in the status of a scan."""

from __future__ import annotations

from datetime import date

from tag_compliance.domain.policy import Policy
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.domain.unused_waivers import unused_waivers
from tag_compliance.domain.waivers import WaiverState
from tag_compliance.snapshot.status import PolicyStatus, RuleStatus


def policy_status(results: ComplianceResults, policy: Policy, day: date) -> PolicyStatus | None:
    """None if the required tags are the whole policy; other places show their numbers."""
    if not policy.extends_required_tags:
        return None
    frame = results.summary.by_region_and_rule
    sums = frame.groupby("rule")[["evaluated", "violations", "waived"]].sum()
    found = {str(rule): tuple(map(int, row)) for rule, *row in sums.itertuples()}
    rules = []
    for rule in policy.rules:
        evaluated, violations, waived = found.get(rule.rule_id, (0, 0, 0))
        labels = str(rule.rule_id), rule.title, str(rule.severity)
        rules.append(RuleStatus(*labels, evaluated, violations - waived, waived))
    regions = results.summary.by_region_of_policy
    states = [waiver.state(day) for waiver in policy.waivers]
    unused = unused_waivers(policy, results.summary, results.statuses)
    return PolicyStatus(
        rules=tuple(rules),
        counted=int(regions["counted"].sum()),
        without_open_findings=int(regions["without_open_findings"].sum()),
        without_findings=int(regions["without_findings"].sum()),
        active_waivers=states.count(WaiverState.ACTIVE),
        expired_waivers=states.count(WaiverState.EXPIRED),
        unused_waivers=None if unused is None else len(unused),
    )
