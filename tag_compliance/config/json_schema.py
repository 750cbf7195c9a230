"""The JSON Schema of `config.yaml`, for editors: what the model and its validators accept."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from tag_compliance.config import model
from tag_compliance.config.base_model import is_scalar
from tag_compliance.config.descriptions import DESCRIPTIONS

_NULL = {"type": "null"}
_DURATION = {"type": "string", "pattern": f"^(?=.)(?:{model.DURATION_PATTERN})$"}
_PARTS: dict[type[BaseModel], str] = {
    model.Config: "",
    model.Account: "aws_account_matrix.",
    model.AccountOverride: "aws_account_overrides.",
    model.ConsoleLinkSettings: "console_link.",
    model.MetricSettings: "metrics.",
    model.OrganizationSettings: "organization.",
    model.ThresholdSettings: "thresholds.",
}
"""The prefix of each model's keys in `DESCRIPTIONS`."""

_WITHOUT_DUPLICATES = {
    "REQUIRED_TAGS",
    "owner_tags",
    "regions",
    "more_sources",
    "include",
    "exclude",
    "region_allow",
}


def json_schema() -> dict[str, Any]:
    """A schema of draft 2020-12.

    It has no rules about several keys together, as `poor` and `good`, nor the names of regions.
    """
    schema = model.Config.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    for kind, prefix in _PARTS.items():
        part = schema if kind is model.Config else definitions[kind.__name__]
        for name, field in kind.model_fields.items():
            key = field.alias or name
            accepted = _accepted(key, field, part["properties"][key])
            part["properties"][key] = {"description": DESCRIPTIONS[prefix + key], **accepted}
    account = definitions["Account"]["properties"]
    for name in ("account_name", "ou_path", "account_owner"):
        described = account[name].pop("description")
        account[name] = {"description": described, "anyOf": [account[name], _NULL]}
    account["regions"].pop("default", None)  # it is the key `regions`
    short_form = TypeAdapter(model.RoleArn).json_schema()
    definitions["AccountOverride"] = {"anyOf": [definitions["AccountOverride"], short_form, _NULL]}
    for name in set(definitions) - _definitions_used(schema):
        del definitions[name]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "anyOf": [_with_entries("aws_account_matrix"), _with_entries("organization")],
        "title": "config.yaml of tag-compliance",
    }


def _with_entries(key: str) -> dict[str, Any]:
    """The key is there and not empty."""
    accepted = {"minItems": 1, "minProperties": 1, "not": _NULL}
    return {"required": [key], "properties": {key: accepted}}


def _definitions_used(schema: dict[str, Any]) -> set[str]:
    """The names of the definitions that the properties refer to, directly or not."""
    todo, found = [schema["properties"]], set[str]()
    while todo:
        names = set(re.findall(r"#/\$defs/(\w+)", json.dumps(todo.pop()))) - found
        found |= names
        todo += [schema["$defs"][name] for name in names]
    return found


def _accepted(key: str, field: FieldInfo, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of one key, with what its validators accept in addition to its type."""
    bare = {name: value for name, value in schema.items() if name != "title"}
    default = {"default": bare.pop("default")} if "default" in bare else {}
    if "patternProperties" in bare:  # pydantic leaves all other keys open
        bare["additionalProperties"] = False
    if key == "policy":  # in the file, it names the files
        path = {"type": "string", "minLength": 1}
        bare = {"anyOf": [path, {"type": "array", "items": path}]}
    accepted: list[dict[str, Any]] = bare.pop("anyOf", None) or [bare]
    if key in _WITHOUT_DUPLICATES:
        accepted = [{**a, "uniqueItems": True} if "items" in a else a for a in accepted]
    if model.Duration in field.metadata:
        accepted = [accepted[0], _DURATION, *accepted[1:]]
    if model.LIMIT in field.metadata:
        accepted = [{"type": "integer", "minimum": 1}, *accepted[1:], {"const": False}]  # YAML: off
    if key == "never_tagged":
        accepted = [*accepted, {"const": False}]
    if not is_scalar(field) and not field.is_required():
        accepted = [*accepted, _NULL]
    return {**(accepted[0] if len(accepted) == 1 else {"anyOf": accepted}), **default}
