"""The four assets, in reading and publishing runs against a fake AWS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from tag_compliance.domain.counts import floor_percentage
from tag_compliance.domain.evaluation import Evaluation
from tag_compliance.domain.read_status import Outcome
from tag_compliance.pipeline import metadata
from tag_compliance.pipeline.assets import scan_config
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.pipeline.run_requests import ACCOUNTS, publish_request, range_tags
from tag_compliance.pipeline.run_tags import PUBLISH_JOB, RUN_CONFIG, SCAN_JOB
from tag_compliance.tables.findings import decode_evaluation, encode_evaluation
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.accounts import account, results_of
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.pipelines import Pipeline, failure_of, metadata_of, of_account
from tag_compliance_tests.support.exposition import Exposition

ONE = "100000000000"


def test_the_configuration_is_a_value_with_its_size_as_metadata(pipeline: Pipeline) -> None:
    config = pipeline.configure([ONE, "100000000001"])
    given = scan_config(configuration=pipeline.resource())
    assert isinstance(given, dg.MaterializeResult)
    assert given.value == config
    assert given.metadata == {
        "accounts": 2,
        "regions": 4,
        "required_tags": "Owner, CostCenter",
        "excluded_resource_types": "none",
        "refresh_interval_seconds": 300,
    }


def test_a_faulty_configuration_fails_the_run_and_reports_all_faults(
    pipeline: Pipeline,
) -> None:
    pipeline.config_path.write_text("aws_account_matrix: []\nREQUIRED_TAGS: 7\nunknown: 1\n")
    definitions = build_definitions(pipeline.config_path, None, {})
    pipeline.instance.add_dynamic_partitions(ACCOUNTS.name or "", [ONE])
    result = definitions.resolve_job_def(SCAN_JOB).execute_in_process(
        instance=pipeline.instance, partition_key=ONE, run_config=RUN_CONFIG, raise_on_error=False
    )
    assert not result.success
    for key in ("aws_account_matrix", "REQUIRED_TAGS", "unknown"):
        assert f"{pipeline.config_path}: {key}" in failure_of(result)
    assert not result.asset_materializations_for_node("raw_resources")


def test_a_code_location_with_a_faulty_configuration_still_loads(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tag_compliance.definitions import definitions

    pipeline.config_path.write_text("unknown: 1\n")
    monkeypatch.setenv("TAG_COMPLIANCE_CONFIG", str(pipeline.config_path))
    loaded = definitions()
    assert isinstance(loaded, dg.Definitions)
    assert loaded.resolve_job_def(SCAN_JOB).name == SCAN_JOB


def test_raw_resources_reads_only_the_accounts_of_its_partitions(
    scanning: Pipeline, fake: FakeAws
) -> None:
    first, second, third = ids_of(fake)
    scanning.requests()
    tags = range_tags(second, third)
    result = scanning.run(dg.RunRequest(job_name=SCAN_JOB, tags=tags))
    assert result.success
    made = result.asset_materializations_for_node("raw_resources")
    assert sorted(m.partition or "" for m in made) == [second, third]
    assert fake.calls.count(account_id=first) == 0
    assert fake.calls.count("GetResources") == 4


def test_the_results_have_their_checks_and_numbers_to_plot(
    scanning: Pipeline, fake: FakeAws
) -> None:
    result = scanning.scan()
    found = metadata_of(scanning.instance, "compliance_results")
    counts = scanning.current().status.counts
    numbers = {n: v for n, v in found.items() if isinstance(v, int | float)}
    assert numbers.pop("duration_seconds") > 0
    assert numbers == {
        "dagster/row_count": counts.counted,
        "returned": counts.returned,
        "excluded": 0,
        "counted": 180,
        "compliant": counts.compliant,
        "violations": sum(tag.missing for tag in scanning.current().status.tags),
        "failed_accounts": 0,
        "compliance_percentage": floor_percentage(counts.compliance_percentage or 0.0),
    }
    checks = [check.check_name for check in result.get_asset_check_evaluations()]
    assert checks == [
        "every_account_read",
        "every_region_read",
        "compliance_above_minimum",
        "account_compliance_above_minimum",
        "no_sudden_drop",
        "snapshot_fresh",
    ]


def test_exclusions_that_match_no_resource_are_reported_after_a_scan_that_read_everything(
    scanning: Pipeline, fake: FakeAws, caplog: pytest.LogCaptureFixture
) -> None:
    first, *others = ids_of(fake)

    def reported() -> tuple[tuple[str, ...], str | None, bool]:
        """On the page and in the summary, in Dagster, and whether in the log."""
        status = scanning.current().status
        found = metadata_of(scanning.instance, "compliance_results").get("unmatched_exclusions")
        in_log = "excluded_resource_types: no resource matches pod, nothing:*" in caplog.text
        caplog.clear()
        return status.unmatched_exclusions, found, in_log

    scanning.configure(ids_of(fake), excluded_resource_types=["pod", "s3:*", "nothing:*"])
    assert scanning.scan().success
    assert reported() == (("pod", "nothing:*"), "pod, nothing:*", True)

    only = dg.RunRequest(job_name=SCAN_JOB, tags=range_tags(first, first))
    assert scanning.run(publish_request(scanning.run(only).dagster_run, None)).success
    assert reported() == ((), None, False)

    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=others[0])
    assert scanning.scan().success
    assert reported() == ((), None, False)


def test_the_worst_types_and_tags_are_a_table(pipeline: Pipeline) -> None:
    found = metadata.of_results(results_of(account(ONE, "eu-west-1", "us-east-1")))
    types, tags = found["worst_types"], found["worst_tags"]
    assert isinstance(types, dg.TableMetadataValue)
    assert isinstance(tags, dg.TableMetadataValue)
    assert [dict(record.data) for record in types.records] == [
        {"resource_type": "sqs:queue", "counted": 4, "compliant": 2, "lacking": 2}
    ]
    assert [dict(record.data) for record in tags.records] == [
        {"tag": tag, "evaluated": 4, "tagged": 2, "lacking": 2} for tag in ("CostCenter", "Owner")
    ]


def test_the_snapshot_is_published_and_described(scanning: Pipeline, fake: FakeAws) -> None:
    scanning.configure(ids_of(fake), exporter_url="http://exporter.test:8080")
    result = scanning.scan()
    snapshot = scanning.current()
    (event,) = result.asset_materializations_for_node("metric_snapshot")
    found = event.metadata
    assert found["exposition_bytes"].value == len(snapshot.plain)
    place, chart = found["snapshot"], found["compliance_by_account"]
    assert isinstance(place, dg.PathMetadataValue)
    assert Path(place.path or "", "metrics.txt").read_bytes() == snapshot.plain
    assert isinstance(chart, dg.MarkdownMetadataValue)
    assert (chart.md_str or "").startswith("![compliance by account](data:image/svg+xml;base64,")
    assert found["exporter"] == dg.MetadataValue.url("http://exporter.test:8080")


def test_the_configuration_decides_which_series_are_published(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    before = Exposition(scanning.current().plain.decode())
    by_type = "resources_fully_compliant_by_type_total"
    named = min(s.labels["resource_type"] for s in before.samples if s.name == by_type)
    metrics = {"disabled": ["compliance_percentage"], "types": [named]}
    scanning.configure(ids_of(fake), max_detail_series=False, metrics=metrics)
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
    scanning: Pipeline, fake: FakeAws
) -> None:
    """A stored summary that has every row twice leads to two samples of one series."""
    scanning.scan()
    good = scanning.current()
    account_id = ids_of(fake)[0]
    stored = scanning.storage.read(f"tables/findings/{account_id}.parquet")
    assert stored is not None
    evaluation = decode_evaluation(stored.data)
    twice = replace(
        evaluation.summary,
        types=pa.concat_tables([evaluation.summary.types, evaluation.summary.types]),
    )
    damaged = Evaluation(evaluation.status, evaluation.basis, evaluation.findings(), twice)
    scanning.storage.write(f"tables/findings/{account_id}.parquet", encode_evaluation(damaged))
    result = scanning.run(dg.RunRequest(job_name=PUBLISH_JOB))
    assert not result.success
    cause = "the metrics are invalid and were not published: line "
    assert failure_of(result).startswith(cause)
    assert f'account_id="{account_id[:5]}' in failure_of(result)
    last = scanning.snapshots.look().last_scan
    assert last is not None
    assert last.outcome is Outcome.NOTHING
    assert scanning.current().snapshot_id == good.snapshot_id


def test_a_scan_materializes_four_assets_in_two_runs_and_a_partition_for_each_account(
    scanning: Pipeline, fake: FakeAws
) -> None:
    reading = scanning.run(scanning.requests()[0])
    result = scanning.run(publish_request(reading.dagster_run, None))
    assert [names_of(run) for run in (reading, result)] == [
        ["scan_config", *["raw_resources"] * 3],
        ["compliance_results", "metric_snapshot"],
    ]
    for account_id in ids_of(fake):
        found = metadata_of(scanning.instance, "raw_resources", account_id)
        assert found["account_name"] == f"name-{account_id[-3:]}"
        assert (found["outcome"], found["counted"]) == ("read", 60)
        # AssumeRole, and one page for each region.
        assert found["api_calls"] == 3
        assert {"violations", "compliance_percentage", "duration_seconds"} <= found.keys()
    assert all(check.passed for check in result.get_asset_check_evaluations())
    assert scanning.current().status.counts.counted == 180


def names_of(run: dg.ExecuteInProcessResult) -> list[str]:
    """The materialized assets."""
    events = run.get_asset_materialization_events()
    return [event.asset_key.path[-1] for event in events if event.asset_key]


def test_the_failure_of_one_account_is_data_and_both_runs_succeed(
    scanning: Pipeline, fake: FakeAws
) -> None:
    broken, *others = ids_of(fake)
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=broken)
    result = scanning.scan()
    assert result.success
    found = metadata_of(scanning.instance, "raw_resources", broken)
    assert found["outcome"] == "failed: assume_role_denied"
    assert broken in found["failures"]
    assert "counted" in metadata_of(scanning.instance, "raw_resources", others[0])
    failed = [c for c in result.get_asset_check_evaluations() if not c.passed]
    assert {check.check_name for check in failed} == {"every_account_read", "every_region_read"}
    snapshot = scanning.current()
    assert snapshot.status.outcome is Outcome.PARTIAL
    assert not of_account(scanning.samples(), broken)
    assert of_account(scanning.samples(), others[0])


def test_if_every_account_fails_the_publishing_run_fails_and_the_last_good_snapshot_stays(
    scanning: Pipeline, fake: FakeAws
) -> None:
    assert scanning.scan().success
    good = scanning.current()
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    result = scanning.scan()
    assert not result.success
    assert failure_of(result).startswith("nothing could be scanned, the last good snapshot stays")
    assert ids_of(fake)[0] in failure_of(result)
    assert scanning.current().snapshot_id == good.snapshot_id
    last = scanning.snapshots.look().last_scan
    assert last is not None
    assert last.outcome is Outcome.NOTHING
    assert last.started_at > good.status.scan_started_at


def test_a_storage_that_cannot_be_written_fails_the_run_with_a_clear_message(
    scanning: Pipeline,
) -> None:
    (scanning.folder / "state").write_text("a file where the folder must be")
    result = scanning.run(scanning.requests()[0])
    assert not result.success
    assert failure_of(result).startswith("cannot write")
