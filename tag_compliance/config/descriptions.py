"""What each key of `config.yaml` means, for the JSON Schema.

The table of keys in `docs/configuration.md` has the same text, with markup. A key of a list or a
map is `parent.key`.
"""

DESCRIPTIONS = {
    "aws_account_matrix": (
        "the accounts: account_id (12 digits in quotes), account_name (default: the id), "
        "regions (default: the key regions)"
    ),
    "regions": "the regions of the accounts that list none",
    "REQUIRED_TAGS": "tag keys that every resource must have",
    "assume_role_name_template": "name of the role in every account; may contain {account_id}",
    "aws_account_overrides": (
        "per account id: the ARN of a role, or a map of role_arn, external_id, "
        "role_session_name, session_duration, via_role_arn"
    ),
    "excluded_resource_types": "patterns of types that are not counted",
    "refresh_interval": "seconds between scans; at least 10",
    "storage": (
        "where everything is stored: a folder that is new, empty, or already this program's; or"
        " s3://bucket/prefix"
    ),
    "retain_snapshots": "how many snapshots are kept",
    "max_detail_series": "maximum number of tag_missing_detail series; off: none, unlimited: all",
    "metrics": "disabled and types: metrics and series that are not published",
    "external_id": "sent with each AssumeRole call",
    "role_session_name": "name of the session, which CloudTrail shows",
    "session_duration": "seconds for which a role's session is valid; it is renewed before it ends",
    "via_role_arn": "a role that is assumed first; it assumes the role of the account",
    "max_concurrency": "how many regions, of all accounts, are read at the same time",
    "calls_per_second": (
        "maximum GetResources calls per second for each account and region; 0: no limit. A "
        "region that would need calls after region_deadline fails"
    ),
    "region_deadline": "seconds after which reading a region fails, including retries",
    "on_failure": (
        "for a region that could not be read, drop publishes no numbers, and keep_last "
        "publishes the last good ones"
    ),
    "keep_last_for": (
        "seconds for which the last good numbers are published; also after scans that read "
        "nothing, whatever on_failure"
    ),
    "max_accounts_per_run": (
        "maximum number of accounts that one Dagster run reads; 0: all in one run"
    ),
    "silence_seconds": (
        "seconds without a heartbeat after which a run counts as dead and is marked as failed"
    ),
    "retain_history_days": (
        "days after which the closed findings and the daily numbers of the history are deleted; "
        "open findings and counters stay"
    ),
    "retain_runs_days": "days after which Dagster's runs, events and logs are deleted",
    "thresholds": "good (default 95) and poor (default 80), in per cent: how compliance is graded",
    "minimum_compliance": (
        "per cent of all resources that must be compliant for the asset check to pass"
    ),
    "minimum_account_compliance": "the same for each account",
    "largest_drop": (
        "per cent of its resources that an account may lose from one snapshot to the next"
    ),
    "check_severity": "severity of a failed asset check: warn or error",
    "failed_account_run": (
        "how the run in Dagster ends that did not fully read an account: fail, or warn (it "
        "succeeds with a warning, and so does the partition)"
    ),
    "owners": "owners of the assets in Dagster: team:<name> or an e-mail address",
    "exporter_url": "address of the exporter for people; Dagster links to it",
    "alert_hook": "package.module:function, called with each alert; check-config imports it",
    "aws_account_matrix.account_id": "the id of the account: 12 digits in quotes",
    "aws_account_matrix.account_name": "the name in metrics and pages; default: the id",
    "aws_account_matrix.regions": "the regions to read; default: the key regions",
    "aws_account_overrides.role_arn": (
        "the ARN of the role of this account, instead of the template"
    ),
    "aws_account_overrides.external_id": "as the key external_id, for this account",
    "aws_account_overrides.role_session_name": "as the key role_session_name, for this account",
    "aws_account_overrides.session_duration": "as the key session_duration, for this account",
    "aws_account_overrides.via_role_arn": "as the key via_role_arn, for this account",
    "metrics.disabled": "names of metrics that are not published",
    "metrics.types": (
        "patterns of types; the metrics by type have series only for these, without patterns "
        "for all"
    ),
    "thresholds.good": "per cent from which on compliance is good",
    "thresholds.poor": "per cent below which compliance is poor",
}
