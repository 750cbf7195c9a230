"""Where `policy import` reads a tag policy, and the text that `policy export` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tag_compliance.aws.errors import AwsError, ResourceNotFound
from tag_compliance.aws.regions import known_regions
from tag_compliance.aws.tag_policies import read_tag_policy
from tag_compliance.aws.targets import targets_of
from tag_compliance.cli.accounts import account_id_of, with_stored_accounts
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.config import load_config
from tag_compliance.config.tag_policy import MOST_CHARACTERS, TagPolicy
from tag_compliance.config.tag_policy_document import (
    ReadTagPolicy,
    TagPolicyReader,
    read_documents,
)
from tag_compliance.domain.read_status import Reason
from tag_compliance.errors import BadConfiguration, Fault, TagComplianceError

_ADVICE = (
    "`tag-compliance iam-policy --policy tag-policy` prints what the role must be allowed to do"
)


def read_source(
    files: Sequence[Path], account: str | None, config_path: Path, environment: Mapping[str, str]
) -> tuple[ReadTagPolicy, str]:
    """The tag policy and the name of its source.

    Raises `BadConfiguration` for what AWS would reject, and `TagComplianceError`.
    """
    if account is None:
        return read_documents(files), ", ".join(map(str, files))
    config = with_stored_accounts(load_config(config_path, environment, known_regions()))
    [target] = targets_of(config, [account_id_of(account, config, config_path)])
    name = f"account {target.account_id}"
    try:
        with interruptible():
            found = read_tag_policy(config, target)
    except ResourceNotFound:
        raise TagComplianceError(f"{name}: no tag policy applies to it") from None
    except AwsError as error:
        denied = error.reason in {Reason.ACCESS_DENIED, Reason.SCP_DENIED}
        advice = f"; {_ADVICE}" if denied else ""
        raise TagComplianceError(f"{name}: {error}{advice}") from None
    reader = TagPolicyReader()
    reader.read_text(name, found.content)
    reader.add_required(name, found.required_tags)
    return reader.result(), name


def document_of(policy: TagPolicy) -> str:
    """The JSON text, without white space if it would be too long with it.

    Raises `BadConfiguration` if AWS would reject it: white space counts when a program saves it.
    """
    content = policy.to_json()
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if len(text) > MOST_CHARACTERS:
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    if len(text) > MOST_CHARACTERS:
        rule = (
            f"it would have {len(text):,} characters; AWS allows {MOST_CHARACTERS:,}; export the "
            "files one by one, and attach the documents side by side"
        )
        raise BadConfiguration((Fault("tag policy", "", None, rule),))
    return text
