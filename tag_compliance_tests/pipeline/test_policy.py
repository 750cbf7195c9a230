"""A policy in the pipeline: a change takes effect, a fault starts no scan."""

from __future__ import annotations

from pathlib import Path

from tag_compliance.domain.clock import utc_now
from tag_compliance_tests.fake_aws import FakeAws
from tag_compliance_tests.pipeline.pipelines import Pipeline, metadata_of
from tag_compliance_tests.pipeline.ticks import look, tick
from tag_compliance_tests.support.exposition import Exposition

_RULES = "rules: [{id: owner, tag: Owner, values: [nobody]}]\n"


def _write(pipeline: Pipeline, text: str) -> Path:
    path = pipeline.folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_tick_is_skipped_with_the_faults_while_the_policy_is_invalid(idle: Pipeline) -> None:
    path = _write(idle, _RULES)
    idle.configure(policy="policy.yaml")
    assert tick(idle).requests
    path.write_text("rules: [{id: owner}]\n", encoding="utf-8")
    for skipped in (tick(idle), look(idle)):
        assert skipped.requests == []
        assert f"{path}, line 1: rule owner: a rule needs tag or any_tag" in skipped.reason
    path.unlink()
    assert "no such file" in tick(idle).reason


def test_a_changed_policy_is_evaluated_without_reading_the_accounts_again(
    scanning: Pipeline, fake: FakeAws
) -> None:
    path = _write(scanning, _RULES)
    scanning.configure(policy="policy.yaml", REQUIRED_TAGS=[])
    assert scanning.scan().success
    status = scanning.current().status.policy
    assert status is not None
    [rule] = status.rules
    assert rule.violations > 0
    assert metadata_of(scanning.instance, "policy")["rules"] == 1
    shown = metadata_of(scanning.instance, "compliance_results")
    assert shown["open_findings_medium"] == rule.violations
    assert shown["worst_rules"].records[0].data["rule"] == "owner"
    assert scanning.samples()  # counts of resources, but no percentages

    calls = fake.calls.count("GetResources")
    path.write_text(_RULES.replace("nobody", "'*'"), encoding="utf-8")
    scanning.materialize("scan_config")
    scanning.materialize("compliance_results", "metric_snapshot")
    assert fake.calls.count("GetResources") == calls
    changed = scanning.current().status.policy
    assert changed is not None
    assert [rule.violations for rule in changed.rules] == [0]


def test_a_waiver_in_another_file_covers_the_findings_and_the_checks_show_it(
    scanning: Pipeline, fake: FakeAws
) -> None:
    _write(scanning, _RULES.replace("}]", ", severity: critical}]"))
    waived, *open_ = (account.account_id for account in fake.organization)
    text = (
        f"waivers: [{{id: w, rules: [owner], match: {{accounts: ['{waived}']}}, reason: until "
        f"the move, owner: me, expires: {utc_now().date()}}}]\n"
    )
    (scanning.folder / "waivers.yaml").write_text(text, encoding="utf-8")
    scanning.configure(policy=["policy.yaml", "waivers.yaml"])
    result = scanning.scan()
    failed = {c.check_name for c in result.get_asset_check_evaluations() if not c.passed}
    assert failed == {"no_critical_findings", "waivers_valid"}
    exposition = Exposition(scanning.current().plain.decode())
    for metric, account_id in (("waived_resources", waived), ("violations", open_[0])):
        values = [
            sample.value
            for sample in exposition.samples
            if sample.name == f"tag_compliance_rule_{metric}"
            and sample.labels["rule"] == "owner"
            and sample.labels["account_id"] == account_id
        ]
        assert sum(values) > 0
    status = scanning.current().status.policy
    assert status is not None
    shown = metadata_of(scanning.instance, "compliance_results")
    assert shown["violations"] == sum(rule.violations for rule in status.rules)
    assert shown["waived_findings"] == sum(rule.waived for rule in status.rules) > 0
    of_accounts = [
        metadata_of(scanning.instance, "raw_resources", str(account.account_id))["violations"]
        for account in fake.organization
    ]
    assert sum(of_accounts) == shown["violations"]
