"""What the models of the files have in common: frozen, without unknown keys, with strict texts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StrictStr, StringConstraints, model_validator
from pydantic.fields import FieldInfo

# The pattern also rejects lone surrogates, which pydantic accepts without a pattern.
Text = Annotated[StrictStr, StringConstraints(pattern=r"^[^\x00]*$")]
NonEmptyText = Annotated[Text, StringConstraints(min_length=1)]
# https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html: 1 to 128 characters
TagKey = Annotated[NonEmptyText, StringConstraints(max_length=128)]


def is_scalar(field: FieldInfo) -> bool:
    """Whether the key has a single value, not a list or a map."""
    return isinstance(field.default, str | int | float | None)


class Model(BaseModel):
    """A mapping of a file. A null list or map is the same as a missing key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _null_collections_are_missing(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        collections = {
            field.alias or name for name, field in cls.model_fields.items() if not is_scalar(field)
        }
        return {k: v for k, v in data.items() if v is not None or k not in collections}
