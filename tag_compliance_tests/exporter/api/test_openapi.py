"""The OpenAPI document, and that the API does what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import Case, GenerationMode
from schemathesis.openapi import from_dict

from tag_compliance.domain.report_row import COLUMNS
from tag_compliance.exporter.api.openapi import openapi
from tag_compliance.exporter.api.paths import OPENAPI_PATH, PATHS
from tag_compliance_tests.exporter.api.conftest import Get
from tag_compliance_tests.exporter.running import Exporter

PROMISED = Path(__file__).parent / "promised_keys.json"
"""The keys of each schema that have been published: none of them may disappear."""

_POSITIVE, _NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
_GENERATED = [
    *((name, _POSITIVE) for name in PATHS),
    *((name, _NEGATIVE) for name in PATHS if name != "summary"),  # which has no parameters
]
_schema = from_dict(openapi())


def test_the_document_is_valid_and_describes_every_path(serving: Exporter) -> None:
    document = json.loads(serving.get(OPENAPI_PATH).body)
    OpenAPIV31SpecValidator(document).validate()
    assert document == openapi()
    assert set(document["paths"]) == set(PATHS.values())


@pytest.mark.parametrize("name", PATHS)
def test_every_example_has_the_form_that_its_schema_promises(name: str) -> None:
    document = openapi()
    content = document["paths"][PATHS[name]]["get"]["responses"]["200"]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    jsonschema.validate(content["application/json"]["example"], schema)
    for response in document["components"]["responses"].values():
        [problem] = response["content"].values()
        jsonschema.validate(
            problem["example"], {**problem["schema"], "components": document["components"]}
        )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("name", "mode"), _GENERATED)
def test_every_request_gets_a_response_that_the_document_describes(
    name: str, method: str, mode: GenerationMode, serving: Exporter
) -> None:
    operation = _schema[PATHS[name]][method]

    @settings(
        deadline=None, max_examples=60, suppress_health_check=[*HealthCheck], derandomize=True
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        if mode is _POSITIVE:
            (case.query or {}).pop("cursor", None)  # only the API makes those that are accepted
        case.call_and_validate(base_url=f"http://127.0.0.1:{serving.port}")

    check()


def test_real_documents_have_exactly_the_promised_keys(get: Get, serving: Exporter) -> None:
    [first, *_] = get("findings")["findings"]
    assert tuple(first) == COLUMNS
    documents = {
        "findings": get("findings"),
        "resources": get("resources", arn=first["arn"]),
        "summary": get("summary"),
        "coverage": get("coverage"),
    }
    document = openapi()
    for name, found in documents.items():
        content = document["paths"][PATHS[name]]["get"]["responses"]["200"]["content"]
        strict = _without_other_keys(document["components"])
        schema = {**content["application/json"]["schema"], "components": strict}
        jsonschema.validate(found, schema)


def test_no_promised_key_disappears_within_version_1() -> None:
    promised = json.loads(PROMISED.read_text())
    schemas = openapi()["components"]["schemas"]
    keys = {name: sorted(schema["required"]) for name, schema in schemas.items()}
    missing = {
        name: sorted(set(needed) - set(keys.get(name, ()))) for name, needed in promised.items()
    }
    assert not {name: lost for name, lost in missing.items() if lost}
    assert keys == promised, f"add the new keys to {PROMISED.name}"


def _without_other_keys(components: dict[str, Any]) -> dict[str, Any]:
    """The schemas, in which no key is allowed that they do not name."""
    schemas = {
        name: {**schema, "additionalProperties": False}
        for name, schema in components["schemas"].items()
    }
    return {**components, "schemas": schemas}
