"""The JSON Schema of a policy file, for editors: what the model accepts."""

from __future__ import annotations

from typing import Any

from tag_compliance.config.policy_model import PolicyFile

_DATE = {"type": "string", "format": "date"}
_NULL = {"type": "null"}


def policy_schema() -> dict[str, Any]:
    """A schema of draft 2020-12. It has no rules about several keys, and does not know RE2."""
    schema = PolicyFile.model_json_schema(by_alias=True)
    rule = schema["$defs"]["PolicyRule"]["properties"]
    for key in ("tag", "except"):  # a single entry is a list of one
        listed, _ = rule[key]["anyOf"]
        rule[key]["anyOf"] = [listed["items"], listed, _NULL]
    waiver = schema["$defs"]["PolicyWaiver"]["properties"]
    waiver["expires"] = {**_DATE, "title": "Expires"}
    waiver["created"] = {"anyOf": [_DATE, _NULL], "default": None, "title": "Created"}
    for key in ("defaults", "rules", "waivers"):
        schema["properties"][key] = {"anyOf": [schema["properties"][key], _NULL]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "policy file of tag-compliance",
    }
