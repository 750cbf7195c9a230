"""The JSON Schema of `config.yaml`, for editors: what the model and its validators accept."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from tag_compliance.config import model
from tag_compliance.config.descriptions import DESCRIPTIONS

_NULL = {"type": "null"}
_DURATION = {"type": "string", "pattern": f"^(?=.)(?:{model.DURATION_PATTERN})$"}
_PARTS: dict[type[BaseModel], str] = {
    model.Config: "",
    model.Account: "aws_account_matrix.",
    model.AccountOverride: "aws_account_overrides.",
    model.MetricSettings: "metrics.",
    model.ThresholdSettings: "thresholds.",
}
"""The prefix of each model's keys in `DESCRIPTIONS`."""

_WITHOUT_DUPLICATES = {"REQUIRED_TAGS", "regions"}


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
    described = account["account_name"].pop("description")
    named = {"anyOf": [account["account_name"], _NULL]}
    account["account_name"] = {"description": described, **named}
    account["regions"].pop("default")  # it is the key `regions`
    short_form = TypeAdapter(model.RoleArn).json_schema()
    definitions["AccountOverride"] = {"anyOf": [definitions["AccountOverride"], short_form, _NULL]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "config.yaml of tag-compliance",
    }


def _accepted(key: str, field: FieldInfo, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of one key, with what its validators accept in addition to its type."""
    bare = {name: value for name, value in schema.items() if name != "title"}
    default = {"default": bare.pop("default")} if "default" in bare else {}
    if key in _WITHOUT_DUPLICATES:
        bare["uniqueItems"] = True
    if "patternProperties" in bare:  # pydantic leaves all other keys open
        bare["additionalProperties"] = False
    accepted: list[dict[str, Any]] = bare.pop("anyOf", None) or [bare]
    if model.Duration in field.metadata:
        accepted = [accepted[0], _DURATION, *accepted[1:]]
    if key == "max_detail_series":
        accepted = [{"type": "integer", "minimum": 1}, *accepted[1:], {"const": False}]  # YAML: off
    if not model.is_scalar(field) and not field.is_required():
        accepted = [*accepted, _NULL]
    return {**(accepted[0] if len(accepted) == 1 else {"anyOf": accepted}), **default}
