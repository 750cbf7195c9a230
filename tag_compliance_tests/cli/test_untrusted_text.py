"""Text from outside, in every place where it comes in, on every surface where it is shown.

Sources: messages of AWS, names of accounts and organizational units, owners, ARNs, keys and values
of tags, names of files, titles of rules, waivers, a Pushgateway. Surfaces: what commands print, the
log as text and as JSON, the exporter's pages, the exposition, the Markdown in Dagster.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from markdown_it import MarkdownIt

from tag_compliance.domain.clock import utc_now
from tag_compliance.simulator.wire import AwsError, Call, Request, Response
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.fake_aws import FakeAws, Organization
from tag_compliance_tests.pipeline.pipelines import shown_metadata
from tag_compliance_tests.support.discovery import READER, SHOP, STAGE, small_organization
from tag_compliance_tests.support.loopback import Handler, serving
from tag_compliance_tests.support.program import Finished, Program
from tag_compliance_tests.support.waiting import eventually

TEXT = (
    "\u202eevil\u2028\x85\x1c\x1b]0;t\x07\x9b31m\"'`<script>alert(1)</script>"
    "![i](http://e.test/i)[a](javascript:x){{7}}"
)
MARK = "evil"
US = "us-east-1"
POLICY = {
    "rules": [
        {"id": "team", "title": f"title {TEXT}", "description": TEXT, "owner": TEXT, "tag": "Team"}
        | {"required": True},
        {"id": "key", "title": "key", "tag": f"key {TEXT}", "required": True},
    ],
    "waivers": [
        {
            "id": "w",
            "rules": ["team"],
            "match": {"accounts": [SHOP]},
            "reason": TEXT,
            "owner": TEXT,
            "ticket": TEXT,
            "expires": utc_now().date() + timedelta(days=20),
        }
    ],
}


def hostile_organization() -> Organization:
    organization = small_organization()
    for number, account in enumerate(organization):
        account.name = f"{number} {TEXT}"
        account.account_tags = {"Owner": f"owner {TEXT}"}
    for unit_id, unit in organization.units.items():
        organization.units[unit_id] = replace(unit, name=f"{unit.name} {TEXT}")
    arn = f"arn:aws:sqs:{US}:{SHOP}:queue {TEXT}"
    organization[SHOP].put(US, arn, {f"key {TEXT}": f"value {TEXT}"})
    return organization


class HostileAws(FakeAws):
    """One account cannot be read: AWS returns a hostile message."""

    def _inject(self, request: Request, call: Call, proceed: Callable[[], Response]) -> Response:
        if call.operation == "GetResources" and call.account_id == STAGE:
            raise AwsError(400, "AccessDeniedException", f"message {TEXT}")
        return super()._inject(request, call, proceed)


@dataclass
class Hostile:
    program: Program
    config: Path
    policy: Path


@pytest.fixture
def hostile(program: Program) -> Iterator[Hostile]:
    folder = program.place.folder
    policy, config = folder / "policy \u202eevil\x1b.yaml", folder / "config \u202eevil\x1b.yaml"
    policy.write_text(yaml.safe_dump(POLICY, allow_unicode=False))
    content: dict[str, Any] = {
        "organization": {"role_arn": READER, "account_owner_tag": "Owner"},
        "regions": [US],
        "REQUIRED_TAGS": ["Owner", f"required {TEXT}"],
        "assume_role_name_template": "terraform",
        "excluded_resource_types": [f"pattern {TEXT}"],
        "policy": policy.name,
        "calls_per_second": 0.0,
    }
    config.write_text(yaml.safe_dump(content))
    home = folder / "dagster"
    home.mkdir()
    os.environ["DAGSTER_HOME"] = str(home)
    with HostileAws(hostile_organization()) as fake:
        os.environ.update(fake.environment())
        yield Hostile(program, config, policy)


def unprintable(text: str, but: str = "\n") -> set[str]:
    return {char for char in text if not char.isprintable() and char not in but}


def run(hostile: Hostile, *command: str) -> Finished:
    ended = hostile.program.run(*command, "--config", str(hostile.config))
    assert "Traceback" not in ended.err
    return ended


def check_printed(hostile: Hostile) -> None:
    """By each command, to stdout and stderr."""
    for command in (
        ("scan", "--format", "summary", "--log-level", "debug"),
        ("scan", "--format", "json", "--log-format", "json", "--log-level", "debug"),
        ("check-config",),
        ("doctor",),
        ("policy", "check"),
        ("iam-policy",),
    ):
        ended = run(hostile, *command)
        assert unprintable(ended.out + ended.err) == set(), command
        assert MARK in ended.out + ended.err or command[0] in {"policy", "iam-policy"}
        if "--log-format" in command:
            logged = [line for line in ended.err.splitlines() if line.startswith("{")]
            assert any(MARK in str(json.loads(line)) for line in logged)
            assert TEXT in str(json.loads(ended.out)["accounts"][0]["account_name"])


def check_stored(hostile: Hostile) -> None:
    """By the commands that show the latest scan; the cells of a report have the text itself."""
    run(hostile, "scan")
    table = hostile.program.place.folder / "report \x1b.csv"
    reported = run(hostile, "report", "--output", str(table))
    explained = run(hostile, "explain", f"arn:aws:sqs:{US}:{SHOP}:queue {TEXT}")
    unknown = run(hostile, "explain", f"arn:aws:sqs:{US}:{SHOP}:{TEXT}")
    previewed = run(hostile, "policy", "preview")
    assert [e.code for e in (reported, explained, unknown, previewed)] == [0, 0, 1, 0]
    for ended in (reported, explained, unknown, previewed):
        assert unprintable(ended.out + ended.err) == set()
        assert MARK in ended.out + ended.err
    for text in (reported.err, unknown.out, previewed.out):
        assert "incomplete: not read: " in text


def check_errors(hostile: Hostile) -> None:
    """Each is one line, whatever its text."""
    hostile.policy.write_text(yaml.safe_dump({"rules": [{"id": TEXT, TEXT: TEXT}]}))
    missing = run(hostile, "policy", "check")
    hostile.config.write_text(yaml.safe_dump({TEXT: TEXT, "storage": f"s3://{TEXT}"}))
    faults = [missing, *(run(hostile, name) for name in ("scan", "doctor", "check-config"))]
    for ended in faults:
        assert ended.code == 2
        assert unprintable(ended.out + ended.err) == set()
        assert all(line.startswith("tag-compliance: ") for line in ended.err.splitlines())
        assert MARK in ended.err


def check_pushgateway(hostile: Hostile) -> None:
    class Gateway(Handler):
        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            self.respond(200, {}, b"")

        def do_PUT(self) -> None:  # noqa: N802
            self.body()
            self.respond(400, {}, TEXT.encode())

    with serving(Gateway) as url:
        ended = run(hostile, "scan", "--push", url)
    assert ended.code == 1
    assert unprintable(ended.err) == set()
    assert "it returned 400" in ended.err
    assert MARK in ended.err


def check_exposition(hostile: Hostile) -> None:
    """Labels have the text itself; each line is a sample or a comment."""
    samples = run(hostile, "scan").exposition.samples
    values = {value for sample in samples for value in sample.labels.values()}
    assert {f"0 {TEXT}", f"required {TEXT}"} <= values
    arns = {sample.labels.get("resource_arn", "") for sample in samples}
    assert any(MARK in arn for arn in arns)


def check_pages(hostile: Hostile) -> None:
    run(hostile, "scan")
    with run_in_thread(hostile.program.place.state) as exporter:
        html, text, health = eventually(lambda: pages_of(exporter))
    assert unprintable(html, "\n\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}") == set()
    assert unprintable(text + health) == set()
    assert "<script>alert" not in html

    assert min(page.count(MARK) for page in (html, text, health)) > 0


def pages_of(exporter: Exporter) -> tuple[str, str, str] | None:
    if exporter.get("/ready").status != 200:
        return None
    accepts = ("text/html", "text/plain")
    html, text = (exporter.get("/", Accept=kind).text for kind in accepts)
    return html, text, exporter.get("/health").text


def check_dagster(hostile: Hostile) -> None:
    """Markdown shows the text: it has no element, link or image of it, and no URL to recognize."""
    run(hostile, "scan")
    shown = []
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        for asset, partition in (
            ("scan_config", None),
            ("raw_resources", STAGE),
            ("compliance_results", None),
            ("metric_snapshot", None),
        ):
            values = shown_metadata(instance, asset, partition).values()
            shown += [v.md_str or "" for v in values if isinstance(v, dg.MarkdownMetadataValue)]
    hostile_texts = [markdown for markdown in shown if MARK in markdown]
    assert len(hostile_texts) == 2, "the names of the accounts, and the failures of one"
    for markdown in hostile_texts:
        rendered = MarkdownIt("commonmark").render(markdown)
        assert unprintable(markdown) == set()
        assert "http://" not in markdown
        for part in ("<script", "<img", 'href="http', 'href="javascript'):
            assert part not in rendered


CHECKS = [
    check_printed,
    check_stored,
    check_errors,
    check_pushgateway,
    check_exposition,
    check_pages,
    check_dagster,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_text_from_outside_is_only_text_on_every_surface(
    check: Callable[[Hostile], None], hostile: Hostile
) -> None:
    check(hostile)
