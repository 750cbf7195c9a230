"""What each key of `config.yaml` means, for the JSON Schema.

The table of keys in `docs/configuration.md` has the same text, with markup. A key of a list or a
map is `parent.key`.
"""

DESCRIPTIONS = {
    "aws_account_matrix": (
        "the accounts: account_id (12 digits in quotes), account_name (default: the id), "
        "regions (default: the key regions), ou_path and account_owner (default: those in AWS "
        "Organizations)"
    ),
    "organization": "the accounts of AWS Organizations, see organization.md",
    "regions": "the regions of the accounts that list none",
    "REQUIRED_TAGS": "tag keys that every resource must have; may be empty with a policy",
    "assume_role_name_template": "name of the role in every account; may contain {account_id}",
    "aws_account_overrides": (
        "per account id: the ARN of a role, or a map of role_arn, external_id, "
        "role_session_name, session_duration, via_role_arn"
    ),
    "excluded_resource_types": "patterns of types that are not counted",
    "aws_owned_resources": "what AWS owns: exclude: it is not counted; count: it is",
    "never_tagged": (
        "resources that never had a tag: off; report: they are read and shown in separate "
        "numbers; count: they count in every number"
    ),
    "resource_explorer_view": (
        "name of the view of Resource Explorer that is used; without it the default view, or the "
        "first that includes tags, has no filter and covers the account"
    ),
    "resource_explorer_refresh": (
        "seconds for which a result of Resource Explorer is reused; 0: never"
    ),
    "more_sources": (
        "any of iam (roles and users) and autoscaling (Auto Scaling groups), which the tagging "
        "API never returns"
    ),
    "iam_tags_from": (
        "the calls with which the source iam reads tags: account_details or list_tags (how IAM is "
        "read)"
    ),
    "policy": "files with rules and waivers: a path or a glob, relative to this file, or a list",
    "max_waiver_days": "how many days ahead a waiver may expire at most",
    "refresh_interval": "seconds between scans; at least 10",
    "storage": (
        "where everything is stored: a folder that is new, empty, or already this program's; or"
        " s3://bucket/prefix"
    ),
    "retain_snapshots": "how many snapshots are kept",
    "max_detail_series": "maximum number of tag_missing_detail series; off: none, unlimited: all",
    "max_rule_series": (
        "maximum number of series about rules, waivers and the history of findings; off: none, "
        "unlimited: all"
    ),
    "metrics": "disabled and types: metrics and series that are not published",
    "owner_tags": "tag keys that name the owner of a resource; the first with a value wins",
    "max_owner_series": (
        "maximum number of owners in the metrics by owner; off: no such metrics, unlimited: all "
        "owners"
    ),
    "findings_database": "whether each snapshot has a database of findings",
    "max_findings_rows": (
        "maximum number of findings in that database, shared fairly among the accounts; at least 1"
    ),
    "report_values": (
        "whether findings, reports, pages, logs and the findings database contain the values of "
        "tags; the owner is always shown"
    ),
    "findings_access": (
        "who may read findings from an exporter without credentials: credentials (only this "
        "machine) or open (everyone who can reach it)"
    ),
    "console_link": (
        "start_url and role_name of the AWS access portal; links to the AWS console lead through it"
    ),
    "console_link.start_url": "the address of the portal",
    "console_link.role_name": "the role that people have in each account",
    "external_id": "sent with each AssumeRole call",
    "role_session_name": "name of the session, which CloudTrail shows",
    "session_duration": "seconds for which a role's session is valid; it is renewed before it ends",
    "via_role_arn": "a role that is assumed first; it assumes the role of the account",
    "max_concurrency": "how many regions, of all accounts, are read at the same time",
    "calls_per_second": (
        "maximum GetResources calls per second for each account and region; 0: no limit. A "
        "region that would need calls after region_deadline fails. Other APIs have fixed limits: "
        "Auto Scaling 5 calls per second and region, IAM 10 per account"
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
    "aws_account_matrix.ou_path": "the OU path without the root; default: that of the organization",
    "aws_account_matrix.account_owner": "who owns the account; default: that of the organization",
    "aws_account_matrix.ou_ids": (
        "the ids of the OUs that contain the account; default: those of the organization"
    ),
    "aws_account_matrix.owner_source": (
        "where account_owner comes from: account (this file) or organization"
    ),
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
    "organization.role_arn": (
        "the role that reads the organization; default: the base credentials"
    ),
    "organization.include": "OU paths, OU ids and account ids to scan; default: all",
    "organization.exclude": "OU paths, OU ids and account ids that are not scanned",
    "organization.regions": (
        "the regions of the accounts, or enabled: those enabled in each account; default: the key "
        "regions"
    ),
    "organization.region_allow": "patterns of the regions that are read; default: all",
    "organization.refresh": "seconds for which the list of accounts is used; 0: one scan",
    "organization.largest_drop": (
        "per cent of its accounts that the organization may lose from one list to the next"
    ),
    "organization.account_owner_tag": "the tag of an account that names its owner",
    "thresholds.good": "per cent from which on compliance is good",
    "thresholds.poor": "per cent below which compliance is poor",
}
