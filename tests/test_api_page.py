"""`docs/api.md` against the server's own OpenAPI document: an example that lies fails here."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from genet.settings import Auth, Settings
from genet.web.app import create_litestar

PAGE = (Path(__file__).parents[1] / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"^```json (\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
WITH_OPTIONAL_KEYS = {"PodRequest", "ExtendRequest", "Problem"}
"""Requests, and the one answer that adds a key (`quota`) where there is something to say."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_litestar(Settings(auth=Auth(mode="dev"))).openapi_schema.to_schema()


def test_every_example_is_looked_at():
    assert len(EXAMPLES) == PAGE.count("```json") > 8


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_example_is_what_the_server_describes(document, name, text):
    example = json.loads(text)
    root = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.Draft202012Validator(root).validate(example)
    if name not in WITH_OPTIONAL_KEYS:
        assert missing_keys(document, {"$ref": root["$ref"]}, example, name) == []


def test_every_route_of_the_api_is_on_the_page(document):
    paths = {re.sub(r"\{[^}]*\}", "{id}", path) for path in document["paths"]}
    named = set(re.findall(r"`(?:[A-Z]+ )?(/[\w/{}-]+)", PAGE)) | {f"/api/pods/{{id}}{end}" for end in ("/events",)}
    assert paths <= named


def missing_keys(document: Any, schema: Any, value: Any, path: str) -> list[str]:
    """Keys of the schema, and of the schemas inside it, that the value lacks: answers have all keys, always."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        if value is not None and choice.get("type") != "null":
            return missing_keys(document, choice, value, path)
    if isinstance(value, list):
        items = schema.get("items", {})
        return [key for n, item in enumerate(value) for key in missing_keys(document, items, item, f"{path}[{n}]")]
    if not isinstance(value, dict):
        return []
    properties = schema.get("properties", {})
    missing = [f"{path}.{key}" for key in properties if key not in value]
    missing += [f"{path}.{key} (not described)" for key in value if properties and key not in properties]
    for key, part in value.items():
        missing += missing_keys(
            document, properties.get(key, schema.get("additionalProperties", {})), part, f"{path}.{key}"
        )
    return missing
