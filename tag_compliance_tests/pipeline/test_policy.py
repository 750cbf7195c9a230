"""A policy in the pipeline: a change takes effect, a fault starts no scan."""

from __future__ import annotations

from pathlib import Path

from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.ticks import look, tick

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
