"""Values that the shell completes, in addition to those that click knows by itself."""

from __future__ import annotations

import contextlib

import click
from click.shell_completion import CompletionItem


def complete_account_ids(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The account ids in the configuration file; none where it cannot be read.

    Reads the YAML only: validating the configuration takes longer than a person waits for a tab.
    """
    import yaml  # only completion needs it

    # The shell shows an error in the middle of the command that a person types.
    with contextlib.suppress(Exception):
        content = yaml.safe_load(ctx.params["config"].read_bytes())
        return [
            CompletionItem(row["account_id"], help=row.get("account_name"))
            for row in content["aws_account_matrix"]
            if row["account_id"].startswith(incomplete)
        ]
    return []
