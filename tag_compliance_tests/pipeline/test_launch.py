"""A scan from this process, where it fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tag_compliance.pipeline.launch import run_scan

from tag_compliance.errors import StorageRefused
from tag_compliance.pipeline.resources import HeartbeatResource, ProgressResource
from tag_compliance_tests.pipeline.pipelines import Pipeline


def test_a_run_that_fails_before_its_first_step_says_why(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Iterator[None]:
        raise StorageRefused("state", "write", "Read-only file system", "mount it writable")

    monkeypatch.setattr(HeartbeatResource, "yield_for_execution", refused)
    pipeline.configure(["100000000000"])
    ended = run_scan(pipeline.config(), pipeline.config_path, {}, ProgressResource())
    assert not ended.succeeded
    assert ended.snapshot is None
    assert "Read-only file system" in ended.failure
