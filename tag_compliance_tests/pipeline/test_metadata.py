"""The metadata that Dagster's UI shows of each materialization."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from tag_compliance.config.model import Account
from tag_compliance.domain.counts import floor_percentage
from tag_compliance.pipeline import metadata
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.pipelines import Pipeline, metadata_of
from tag_compliance_tests.pipeline.tables import AWAY, HOME, ONE, account, results_of


def numbers_of(found: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def test_configuration_and_results_have_numbers_to_plot(scanning: Pipeline) -> None:
    scanning.scan()
    found = metadata_of(scanning.instance, "scan_config")
    found.pop("accounts_by_name")
    assert found == {
        "accounts": 3,
        "regions": 6,
        "required_tags": "Owner, CostCenter",
        "excluded_resource_types": "none",
        "refresh_interval_seconds": 300,
    }
    numbers = numbers_of(metadata_of(scanning.instance, "compliance_results"))
    status = scanning.current().status
    assert numbers.pop("duration_seconds") > 0
    assert numbers == {
        "dagster/row_count": 180,
        "returned": 180,
        "excluded": 0,
        "duplicates": 0,
        "counted": 180,
        "compliant": status.counts.compliant,
        "violations": sum(tag.missing for tag in status.tags),
        "failed_accounts": 0,
        "compliance_percentage": floor_percentage(status.counts.compliance_percentage or 0.0),
    }


def test_the_configuration_links_the_names_of_the_accounts_to_their_partitions(
    pipeline: Pipeline,
) -> None:
    """The keys of the partitions are ids, and people search for names."""
    pipeline.configure(["100000000001", "100000000000"])
    accounts = [
        Account(account_id="100000000001", account_name="a|[x](javascript:y)"),
        Account(account_id="100000000000", account_name="Zoo"),
    ]
    config = pipeline.config().model_copy(update={"aws_account_matrix": tuple(accounts)})
    found = metadata.of_config(config, None, ["platform"])["accounts_by_name"]
    page = "/assets/platform/raw_resources?view=partitions&partition="
    assert isinstance(found, dg.MarkdownMetadataValue)
    assert found.md_str == (
        f"* [Zoo]({page}100000000000) 100000000000\n"
        rf"* [a\|\[x\]\(javascript\:y\)]({page}100000000001) 100000000001"
    )


def test_each_partition_has_the_numbers_of_its_account_or_the_cause_of_its_failure(
    scanning: Pipeline, fake: FakeAws
) -> None:
    broken, *read = scanning.ids
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=broken)
    scanning.scan()
    for account_id in read:
        found = metadata_of(scanning.instance, "raw_resources", account_id)
        assert found["account_name"] == f"name-{account_id[-3:]}"
        assert (found["outcome"], found["resources"]) == ("read", 60)
        numbers = {"resources", "violations", "compliance_percentage"}
        assert numbers_of(found).keys() == numbers, "each of them costs space in every event"
    found = metadata_of(scanning.instance, "raw_resources", broken)
    assert found["outcome"] == "failed: assume_role_denied"
    assert broken in found["failures"]
    assert not numbers_of(found), "nothing is known of an account that was never read"


def test_the_markdown_of_failures_shows_names_and_messages_literally(
    scanning: Pipeline, fake: FakeAws
) -> None:
    broken = scanning.ids[0]
    content = yaml.safe_load(scanning.config_path.read_text())
    content["aws_account_matrix"][0]["account_name"] = "<img src=x>[a](http://b)`c`\u202e"
    scanning.config_path.write_text(yaml.safe_dump(content))
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=broken)
    scanning.scan()
    shown = metadata_of(scanning.instance, "raw_resources", broken)["failures"]
    assert r"\(\<img src\=x\>\[a\]\(http\:\/\/b\)\`c\`\\u202e\)" in shown


def test_the_worst_types_and_tags_are_a_table() -> None:
    found = metadata.of_results(results_of(account(ONE, HOME, AWAY)))
    types, tags = found["worst_types"], found["worst_tags"]
    assert isinstance(types, dg.TableMetadataValue)
    assert isinstance(tags, dg.TableMetadataValue)
    assert [dict(record.data) for record in types.records] == [
        {"resource_type": "sqs:queue", "counted": 4, "compliant": 2, "lacking": 2}
    ]
    assert [dict(record.data) for record in tags.records] == [
        {"tag": tag, "evaluated": 4, "tagged": 2, "lacking": 2} for tag in ("CostCenter", "Owner")
    ]


def test_the_snapshot_is_described_with_its_place_a_chart_and_the_exporter(
    scanning: Pipeline,
) -> None:
    scanning.configure(exporter_url="http://exporter.test:8080")
    scanning.scan()
    found, exposition = metadata_of(scanning.instance, "metric_snapshot"), scanning.current().plain
    assert found["exposition_bytes"] == len(exposition)
    assert Path(found["snapshot"], "metrics.txt").read_bytes() == exposition
    chart = "![compliance by account](data:image/svg+xml;base64,"
    assert found["compliance_by_account"].startswith(chart)
    assert found["exporter"] == "http://exporter.test:8080"
