"""The four assets, in reading and publishing runs against a fake AWS."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pyarrow as pa
import pytest

from tag_compliance.domain.evaluation import Evaluation
from tag_compliance.domain.read_status import Outcome
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.pipeline.run_requests import ACCOUNTS, publish_request, range_tags
from tag_compliance.pipeline.run_tags import PUBLISH_JOB, RUN_CONFIG, SCAN_JOB
from tag_compliance.tables.findings import decode_evaluation, encode_evaluation
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.pipelines import Pipeline, failure_of, metadata_of, of_account
from tag_compliance_tests.pipeline.tables import evaluation_file
from tag_compliance_tests.pipeline.ticks import PUBLISHED, publish
from tag_compliance_tests.support.exposition import Exposition


def test_a_faulty_configuration_fails_the_run_and_reports_all_faults(pipeline: Pipeline) -> None:
    pipeline.config_path.write_text("aws_account_matrix: []\nREQUIRED_TAGS: 7\nunknown: 1\n")
    definitions = build_definitions(pipeline.config_path, None, {})
    pipeline.instance.add_dynamic_partitions(ACCOUNTS.name or "", ["100000000000"])
    result = definitions.resolve_job_def(SCAN_JOB).execute_in_process(
        instance=pipeline.instance,
        partition_key="100000000000",
        run_config=RUN_CONFIG,
        raise_on_error=False,
    )
    for key in ("aws_account_matrix", "REQUIRED_TAGS", "unknown"):
        assert f"{pipeline.config_path}: {key}" in failure_of(result)
    assert not result.asset_materializations_for_node("raw_resources")


def test_raw_resources_reads_only_the_accounts_of_its_partitions(
    scanning: Pipeline, fake: FakeAws
) -> None:
    first, second, third = scanning.ids
    scanning.requests()
    result = scanning.run(dg.RunRequest(job_name=SCAN_JOB, tags=range_tags(second, third)))
    made = result.asset_materializations_for_node("raw_resources")
    assert sorted(m.partition or "" for m in made) == [second, third]
    assert fake.calls.count(account_id=first) == 0
    assert fake.calls.count("GetResources") == 4


def test_exclusions_that_match_no_resource_are_reported_after_a_scan_that_read_everything(
    scanning: Pipeline, fake: FakeAws, caplog: pytest.LogCaptureFixture
) -> None:
    first, *others = scanning.ids

    def reported() -> tuple[tuple[str, ...], str | None, bool]:
        """On the page and in the summary, in Dagster, and whether in the log."""
        status = scanning.current().status
        found = metadata_of(scanning.instance, "compliance_results").get("unmatched_exclusions")
        in_log = "excluded_resource_types: no resource matches pod, nothing:*" in caplog.text
        caplog.clear()
        return status.unmatched_exclusions, found, in_log

    scanning.configure(excluded_resource_types=["pod", "s3:*", "nothing:*"])
    assert scanning.scan().success
    assert reported() == (("pod", "nothing:*"), "pod, nothing:*", True)

    only = dg.RunRequest(job_name=SCAN_JOB, tags=range_tags(first, first))
    assert scanning.run(publish_request(scanning.run(only).dagster_run, None)).success
    assert reported() == ((), None, False)

    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=others[0])
    assert scanning.scan().success
    assert reported() == ((), None, False)


def test_the_configuration_decides_which_series_are_published(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    before = Exposition(scanning.current().plain.decode())
    by_type = "resources_fully_compliant_by_type_total"
    named = min(s.labels["resource_type"] for s in before.samples if s.name == by_type)
    metrics = {"disabled": ["compliance_percentage"], "types": [named]}
    scanning.configure(max_detail_series=False, metrics=metrics)
    assert scanning.scan().success
    published = Exposition(scanning.current().plain.decode())
    assert before.names - published.names == {
        "compliance_percentage",
        "tag_missing_detail",
        "tag_compliance_detail_series_omitted",
    }
    types = {s.labels["resource_type"] for s in published.samples if s.name == by_type}
    assert types == {named}


def test_an_exposition_that_prometheus_would_reject_is_not_published_and_the_line_is_reported(
    scanning: Pipeline,
) -> None:
    """A stored summary that has every row twice leads to two samples of one series."""
    scanning.scan()
    good = scanning.current()
    file = evaluation_file(scanning.ids[0])
    stored = scanning.storage.read(file)
    assert stored is not None
    found = decode_evaluation(stored.data)
    twice = replace(found.summary, types=pa.concat_tables([found.summary.types] * 2))
    damaged = Evaluation(found.status, found.basis, found.findings(), twice)
    scanning.storage.write(file, encode_evaluation(damaged))
    failure = failure_of(scanning.run(dg.RunRequest(job_name=PUBLISH_JOB)))
    assert failure.startswith("the metrics are invalid and were not published: line ")
    assert 'account_id="10000' in failure
    assert scanning.last_outcome() is Outcome.NOTHING
    assert scanning.current().snapshot_id == good.snapshot_id


def test_a_scan_materializes_its_assets_in_two_runs_and_a_partition_for_each_account(
    scanning: Pipeline,
) -> None:
    runs = scanning.run(scanning.requests()[0]), scanning.run(publish(scanning).request)
    assert [
        [
            event.asset_key.path[-1]
            for event in run.get_asset_materialization_events()
            if event.asset_key
        ]
        for run in runs
    ] == [
        ["scan_config", *["raw_resources"] * 3],
        ["compliance_results", "violation_history", "metric_snapshot"],
    ]
    assert [(c.check_name, c.passed) for c in runs[1].get_asset_check_evaluations()] == [
        ("every_account_read", True),
        ("every_region_read", True),
        ("compliance_above_minimum", True),
        ("account_compliance_above_minimum", True),
        ("no_critical_findings", True),
        ("waivers_valid", True),
        ("no_sudden_drop", True),
        ("snapshot_fresh", True),
    ]
    assert scanning.current().status.counts.counted == 180


def test_the_failure_of_one_account_is_data_for_the_publishing_run_which_succeeds(
    scanning: Pipeline, fake: FakeAws
) -> None:
    broken, *others = scanning.ids
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=broken)
    result = scanning.scan()
    assert result.success
    failed = {c.check_name for c in result.get_asset_check_evaluations() if not c.passed}
    assert failed == {"every_account_read", "every_region_read"}
    assert scanning.current().status.outcome is Outcome.PARTIAL
    assert not of_account(scanning.samples(), broken)
    assert of_account(scanning.samples(), others[0])


def test_a_scan_of_which_every_account_fails_is_published_once(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    good = scanning.current()
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    scanning.run(scanning.requests()[0])
    assert scanning.run(publish(scanning).request).success
    assert publish(scanning).reason == PUBLISHED
    current = scanning.current()
    assert current.status.outcome is Outcome.NOTHING
    assert current.status.counts == good.status.counts
    assert current.status.scan_started_at > good.status.scan_started_at


def test_a_storage_that_cannot_be_written_fails_the_run_with_a_clear_message(
    scanning: Pipeline,
) -> None:
    (scanning.folder / "state").write_text("a file where the folder must be")
    assert failure_of(scanning.run(scanning.requests()[0])).startswith("cannot write")
