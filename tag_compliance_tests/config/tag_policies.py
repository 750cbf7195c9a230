"""Tag policies for tests: those of AWS's documentation, and generated ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]

# The cases of
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_example-tag-policies.html
LOCKED = {"@@operators_allowed_for_child_policies": ["@@none"]}
KEY_CASE: Document = {
    "tags": {
        "CostCenter": {"tag_key": {"@@assign": "CostCenter", **LOCKED}},
        "Project": {"tag_key": {"@@assign": "Project", **LOCKED}},
    }
}
VALUES_OF_CHILD: Document = {
    "tags": {
        "CostCenter": {"tag_value": {"@@assign": ["Production", "Test"]}},
        "Project": {"tag_value": {"@@assign": ["A", "B"]}},
    }
}
EFFECTIVE: Document = {
    "tags": {
        "CostCenter": {"tag_key": "CostCenter", "tag_value": ["Production", "Test"]},
        "Project": {"tag_key": "Project", "tag_value": ["A", "B"]},
    }
}
PREVENTED_KEY: Document = {
    "tags": {
        "Color": {
            "tag_key": {"@@assign": "Color", **LOCKED},
            "tag_value": {"@@assign": [], **LOCKED},
            "enforced_for": {"@@assign": ["dynamodb:table"]},
        }
    }
}
BASIC: Document = {
    "tags": {
        "costcenter": {
            "tag_key": {"@@assign": "CostCenter"},
            "tag_value": {"@@assign": ["100", "200", "300*"]},
            "enforced_for": {"@@assign": ["secretsmanager:ALL_SUPPORTED"]},
        }
    }
}
REQUIRED: Document = {
    "tags": {
        "CostCenter": {
            "tag_key": {"@@assign": "CostCenter"},
            "report_required_tag_for": {"@@assign": ["ec2:instance", "s3:bucket"]},
        },
        "Environment": {
            "tag_key": {"@@assign": "Environment"},
            "tag_value": {"@@assign": ["Production", "Staging"]},
            "report_required_tag_for": {"@@assign": ["ec2:ALL_SUPPORTED"]},
        },
        "owner": {"report_required_tag_for": {"@@assign": ["ec2:instance"]}},
    }
}

_KEYS = ["CostCenter", "owner", "Größe", "a b", "x-y", "x_y", "yes", "2026-01-01", "1", "#k: v"]
_VALUES = ["100", "yes", "no", "2026-01-01", "", "*@example.com", "é\n", "- a", "'", '"', "#", "~"]
_TYPES = ["ec2:instance", "s3:bucket", "elasticloadbalancing:loadbalancer/app", "rds:ALL_SUPPORTED"]


def _some(pool: list[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(pool), min_size=least, max_size=3, unique=True)


def _assigned(content: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return content.map(lambda given: {"@@assign": given})


@st.composite
def _statement(draw: st.DrawFn, key: str) -> tuple[str, Document]:
    """A statement whose key is written out, or one that requires the key in any spelling."""
    policy_key = draw(st.sampled_from([key, key.lower(), key.upper()]))
    if policy_key.lower() != key.lower():
        policy_key = key
    if draw(st.booleans()):
        types = _assigned(_some(_TYPES))
        only_types = {"report_required_tag_for": draw(types)}
        values = _assigned(_some(_VALUES, 0))
        return policy_key, only_types | draw(st.sampled_from([{}, {"tag_value": draw(values)}]))
    optional = {
        "tag_value": _assigned(_some(_VALUES, 0)),
        "enforced_for": _assigned(_some(_TYPES)),
        "report_required_tag_for": _assigned(_some(_TYPES)),
    }
    named = {"tag_key": st.just({"@@assign": key})}
    return policy_key, draw(st.fixed_dictionaries(named, optional=optional))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document of which rules express everything."""
    keys = draw(st.lists(st.sampled_from(_KEYS), max_size=4, unique=True))
    return {"tags": dict(draw(_statement(key)) for key in keys)}


@st.composite
def rules(draw: st.DrawFn) -> list[Document]:
    """Rules of which a tag policy expresses everything, apart from ids and texts for people."""
    found: list[Document] = []
    for key in draw(st.lists(st.sampled_from(_KEYS), max_size=4, unique=True)):
        types = [text.replace("ALL_SUPPORTED", "*") for text in draw(_some(_TYPES))]
        required = {"tag": key, "required": True, "only": {"types": types}}
        kinds = ["values", "spelling", "forbidden", "presence"]
        match draw(st.sampled_from(kinds)):
            case "values":
                found.append({"tag": key, "key_case": "exact", "values": draw(_some(_VALUES))})
            case "spelling":
                found.append({"tag": key, "key_case": "exact"})
            case "forbidden":
                found.append({"tag": key, "key_case": "any", "forbidden": True})
            case "presence":
                found.append({**required, "key_case": "any"})
                continue
        if draw(st.booleans()):
            found[-1]["aws"] = {"enforced_for": draw(_some(_TYPES))}
        if draw(st.booleans()):
            found.append(required)
    return found
