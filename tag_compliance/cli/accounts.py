"""The account that `--account` names."""

from __future__ import annotations

import difflib
from pathlib import Path

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.errors import BadConfiguration, Fault


def account_id_of(named: str, config: Config, config_path: Path) -> str:
    """The id of the account with this id or, if only one has it, with this name.

    Raises `BadConfiguration`.
    """
    targets = targets_of(config)
    found = [t.account_id for t in targets if named == t.account_id]
    found = found or [t.account_id for t in targets if named == t.account_name]
    if len(found) == 1:
        return found[0]
    rule = f"{len(found)} accounts have this name; use an id: {', '.join(found)}"
    if not found:
        known = [name for t in targets for name in (t.account_id, t.account_name)]
        near = difflib.get_close_matches(named, known, n=1)
        rule = f"no such account in {config_path}" + "".join(f"; did you mean {n}?" for n in near)
    raise BadConfiguration((Fault("command line", "--account", named, rule),))
