"""docs/policy.md names every key of a policy file, and its examples do what they say."""

from __future__ import annotations

import pytest

from tag_compliance.config.base_model import Model
from tag_compliance.config.policy_model import (
    PolicyFile,
    PolicyRule,
    RuleSelection,
)
from tag_compliance_tests.docs.test_docs import first_cells, text_of

_PAGE = text_of("docs/policy.md")


@pytest.mark.parametrize("model", [PolicyFile, PolicyRule, RuleSelection])
def test_the_page_documents_each_key(model: type[Model]) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert keys <= set(first_cells(_PAGE))
