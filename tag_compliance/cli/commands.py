"""The commands: their options, help and exit codes. `demo` has its own module.

A command imports its libraries when it runs, so that `--help` and shell completion are fast.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tag_compliance.cli import options
from tag_compliance.cli.declaration import ExitCode, command, option

if TYPE_CHECKING:
    from tag_compliance.config import Config


@command(
    "tag-compliance scan --output metrics.prom",
    complete="every account and region was read",
    partial="a snapshot was written, but an account or region failed",
    failed="nothing could be scanned, or the metrics could not be written",
)
@options.config_option
@options.output_options
@options.account_option("Scan only this account; the data of the other accounts is kept.")
@option(
    "--accept-accounts",
    "TAG_COMPLIANCE_ACCEPT_ACCOUNTS",
    "Read the accounts from AWS Organizations now, and accept the list even if it has far fewer "
    "accounts than before.",
    is_flag=True,
)
@options.logging_options
def scan(
    config: Path,
    output: options.Output,
    account: str | None,
    *,
    accept_accounts: bool,
    logs: options.Logs,
) -> int:
    """Scan once and print the metrics.

    The metrics go to stdout; the summary, the log and the progress bar go to stderr. If stdout is a
    terminal, the summary is printed instead of the metrics. The run is recorded in the Dagster
    instance that DAGSTER_HOME names; without DAGSTER_HOME it is not recorded.
    """
    from tag_compliance.cli.single_scan import scan_once

    logs.configure()
    status = scan_once(config, os.environ, output, logs, account, accept_accounts=accept_accounts)
    return ExitCode.of(status.outcome)


@command(
    "tag-compliance serve --port 8080 --bearer-token-file tokens",
    complete="stopped by SIGTERM or Ctrl-C",
    failed="the exporter could not start",
)
@options.config_option
@options.serving_options
@options.logging_options
def serve(config: Path, serving: options.Serving, logs: options.Logs) -> int:
    """Serve the latest snapshot to Prometheus.

    Reads only the keys `storage` and `findings_access` of the configuration file. If
    TAG_COMPLIANCE_STORAGE is set, the file is not read.
    """
    from tag_compliance.config import findings_access_of, storage_of
    from tag_compliance.exporter.server import ExporterSettings
    from tag_compliance.exporter.server import serve as serve_until_stopped

    logs.configure()
    serve_until_stopped(
        ExporterSettings(
            storage=storage_of(config, os.environ),
            findings_access=findings_access_of(config, os.environ),
            host=serving.host,
            port=serving.port,
            tls_certificate=serving.tls_cert,
            tls_key=serving.tls_key,
            bearer_token_file=serving.bearer_token_file,
            basic_auth_file=serving.basic_auth_file,
        )
    )
    return ExitCode.COMPLETE


@command(
    "tag-compliance up --config /etc/tag-compliance/config.yaml",
    complete="stopped by SIGTERM or Ctrl-C",
    failed="a process ended or could not start; the others were stopped",
)
@options.config_option
@options.schedule_options
@options.serving_options
@options.logging_options
def up(
    config: Path, schedule: options.Schedule, serving: options.Serving, logs: options.Logs
) -> int:
    """Run Dagster, the schedule and the exporter on one machine.

    The first scan starts immediately. If one of the processes ends, the others are stopped.
    """
    from tag_compliance.cli.process_tree import run_process_tree

    logs.configure()
    return run_process_tree(config, os.environ, schedule, serving, logs)


@command("tag-compliance check-config --config config.yaml", complete="the configuration is valid")
@options.config_option
@option(
    "--schema",
    "TAG_COMPLIANCE_SCHEMA",
    "Print the JSON Schema of the configuration, for editors, and read no file.",
    is_flag=True,
)
@options.logging_options
def check_config(config: Path, *, schema: bool, logs: options.Logs) -> int:
    """Validate the configuration and print the plan of a scan.

    The plan shows accounts, regions, roles and the minimum number of AWS API calls, and why each
    account of AWS Organizations is scanned or not, according to the list that the latest scan has
    stored. This command calls no AWS API, except S3 for that list.
    """
    from tag_compliance.cli.accounts import stored_organization
    from tag_compliance.cli.alert_hook import alert_hook_tested
    from tag_compliance.cli.configuration import load_for_writing
    from tag_compliance.cli.plan import plan_of
    from tag_compliance.config.json_schema import json_schema
    from tag_compliance.errors import StorageRefused
    from tag_compliance.logs import on_one_line

    logs.configure()
    if schema:
        print(json.dumps(json_schema(), indent=2))
        return ExitCode.COMPLETE
    with alert_hook_tested(config, os.environ):
        loaded = load_for_writing(config, os.environ)
    if loaded.alert_hook:
        from tag_compliance.pipeline.alerts import load_hook  # with Dagster: two seconds

        load_hook(loaded.alert_hook, str(config))
    known = None
    try:
        known = stored_organization(loaded)
    except StorageRefused as error:  # the configuration is valid nevertheless
        print(on_one_line(f"the list of accounts cannot be read: {error}"), file=sys.stderr)
    print("\n".join(map(on_one_line, plan_of(loaded, known))))
    return ExitCode.COMPLETE


@command(
    "tag-compliance doctor --config config.yaml",
    complete="every account and region can be read, and everything else works",
    failed="a test failed",
)
@options.config_option
@option("--push", "TAG_COMPLIANCE_PUSH", "The Pushgateway to test.", metavar="URL")
@options.logging_options
def doctor(config: Path, push: str | None, logs: options.Logs) -> int:
    """Test whether every account and region can be read.

    Tests the credentials, the storage, the alert hook and the push target. Then assumes each role
    and reads one page of each region. Prints each fault once, with its remedy. Stores nothing.
    """
    from tag_compliance.cli.alert_hook import alert_hook_tested
    from tag_compliance.cli.diagnosis import diagnose
    from tag_compliance.cli.diagnosis_report import report
    from tag_compliance.cli.log_filter import each_failure_once
    from tag_compliance.cli.terminal import Style

    logs.configure()
    with alert_hook_tested(config, os.environ):
        loaded = _load(config)
    with each_failure_once(logs.log_format):
        diagnosis = diagnose(loaded, push)
    print("\n".join(report(loaded, diagnosis, Style.of(sys.stdout))))
    return ExitCode.COMPLETE if diagnosis.is_healthy else ExitCode.FAILED


@command("tag-compliance iam-policy --policy member", complete="the policies were printed")
@options.config_option
@option(
    "--policy",
    "TAG_COMPLIANCE_POLICY",
    "Print only this policy. tag-policy is optional: the role of an account needs it in addition "
    "for `policy import --account`.",
    type=click.Choice(
        ["base", "hub", "member", "organization", "trust", "exporter", "storage", "tag-policy"]
    ),
)
@option(
    "--principal",
    "TAG_COMPLIANCE_PRINCIPAL",
    "The ARN of the base role, which the trust policies allow to assume the other roles.",
    metavar="ARN",
)
@options.account_option("Print the policies for this account only.")
@options.logging_options
def iam_policy(
    config: Path,
    policy: str | None,
    principal: str | None,
    account: str | None,
    logs: options.Logs,
) -> int:
    """Print the IAM policies that the configuration needs.

    With --policy, prints one policy document as JSON. Without it, prints a JSON object with every
    policy by its name.
    """
    from tag_compliance.cli.accounts import account_id_of, with_stored_accounts
    from tag_compliance.cli.iam_documents import documents

    logs.configure()
    loaded = _load(config)
    account_id = account and account_id_of(account, with_stored_accounts(loaded), config)
    print(json.dumps(documents(loaded, policy, principal, account_id), indent=2))
    return ExitCode.COMPLETE


def _load(path: Path) -> Config:
    from tag_compliance.aws.regions import known_regions
    from tag_compliance.config import load_config

    return load_config(path, os.environ, known_regions())
