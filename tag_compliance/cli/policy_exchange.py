"""The commands `policy import` and `policy export`: rules from and to AWS tag policies."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from tag_compliance.cli import options
from tag_compliance.cli.declaration import Decorator, ExitCode, command, option


def _output_option(help_text: str) -> Decorator:
    return option(
        "--output",
        "TAG_COMPLIANCE_POLICY_OUTPUT",
        f"{help_text}, which is replaced atomically, instead of stdout; - is stdout.",
        type=click.Path(readable=False, allow_dash=True, path_type=Path),
    )


@command(
    "tag-compliance policy import --account 111122223333 --output rules/aws.yaml",
    "import",
    complete="the policy file was written",
    failed="no tag policy applies to the account, or it cannot be read; or the output cannot be "
    "written",
)
@options.policy_files_argument
@options.config_option
@options.account_option(
    "Read the effective tag policy of this account, and the tags that it requires, from AWS.",
    "TAG_COMPLIANCE_POLICY_ACCOUNT",
)
@_output_option("Write the policy file to this file")
@options.logging_options
def import_(
    files: tuple[Path, ...],
    config: Path,
    account: str | None,
    output: Path | None,
    logs: options.Logs,
) -> int:
    """Write rules that say the same as an AWS tag policy.

    A FILE contains a tag policy with operators such as @@assign, an effective tag policy, or what
    the AWS command line prints of one of them or of list-required-tags. Several files are merged in
    their order, as AWS merges policies from the root down to an account. Either FILE or --account
    is needed. What the rules cannot express is printed to stderr, and is in comments of the file.
    """
    from tag_compliance.cli.tag_policy_source import read_source
    from tag_compliance.config.tag_policy_import import import_rules

    logs.configure()
    if bool(files) == bool(account):
        raise click.UsageError("Name either FILE or --account.")
    read, source = read_source(files, account, config, os.environ)
    imported = import_rules(read)
    place = _write(imported.to_yaml(source), output)
    _report(f"{len(imported.rules)} rules: {place}", imported.notes)
    return ExitCode.COMPLETE


@command(
    "tag-compliance policy export --output tag-policy.json",
    "export",
    complete="the tag policy was written",
    failed="the output cannot be written",
)
@options.policy_files_argument
@options.config_option
@option(
    "--target",
    "TAG_COMPLIANCE_POLICY_TARGET",
    "The account id or organizational unit to attach the document to: exports the rules whose only "
    "lists it. The default is the rules without accounts and ous.",
    metavar="TARGET",
)
@_output_option("Write the tag policy to this file")
@options.logging_options
def export(
    files: tuple[Path, ...],
    config: Path,
    target: str | None,
    output: Path | None,
    logs: options.Logs,
) -> int:
    """Write an AWS tag policy (JSON) that says the same as policy files.

    Without FILE, exports the files that the configuration names. What AWS cannot express is printed
    to stderr, rule by rule. A document that AWS would reject is not written. Makes no API calls.
    """
    from tag_compliance.cli.policy_report import load_policy_files
    from tag_compliance.cli.tag_policy_source import document_of
    from tag_compliance.config.tag_policy_export import export_rules
    from tag_compliance.domain.clock import utc_now

    logs.configure()
    loaded = load_policy_files(files, config, os.environ, utc_now().date())
    required = loaded.config.required_tags if loaded.config and not files else ()
    exported = export_rules(loaded.policy, required, target)
    place = _write(document_of(exported.policy), output)
    _report(f"{len(exported.policy.statements)} statements: {place}", exported.notes)
    return ExitCode.COMPLETE


def _write(text: str, output: Path | None) -> str:
    """Returns where the text is. Raises `TagComplianceError`."""
    from tag_compliance.cli.output import replaced_file, reported

    if output is None or output == Path("-"):
        with reported("stdout", "name a file with --output"):
            sys.stdout.write(text)
            sys.stdout.flush()
        return "stdout"
    with reported(str(output), "name another file with --output"), replaced_file(output) as file:
        file.write(text.encode())
    return str(output)


def _report(result: str, notes: Sequence[str]) -> None:
    from tag_compliance.logs import on_one_line

    for line in (result, *(f"differs: {note}" for note in notes)):
        print(on_one_line(line), file=sys.stderr)
