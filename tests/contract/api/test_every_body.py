"""Every operation of the OpenAPI document with a body, or with a query of some type: what is wrong in them is refused.

Generated from the document, so that no route is forgotten; who may what is in test_roles, unknown ids in test_every_route,
and random requests in test_fuzz.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane.api import create_app
from tests.contract.api import test_every_route
from tests.unit.pages.scripted_services import Scripted

DOCUMENT = create_app(Scripted().services()).openapi()
NO_TYPE_FITS = [[[]]]
"""Three lists in each other: of no field of ours."""
SIGNED = "/api/v2/webhooks/"


def filled(path: str) -> str:
    return test_every_route.filled(path.replace("{related_entity_type}", "deployment"))


def bodies() -> Iterator[tuple[str, str, dict]]:
    """Yield method, path and schema of every JSON body below `/api/v2/`."""
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content and path.startswith("/api/v2/") and not path.startswith((f"{SIGNED}mlflow", f"{SIGNED}generic")):
                yield method.upper(), path, resolved(content["schema"])


def resolved(schema: dict) -> dict:
    """Return the object that a schema is, or names, or may be."""
    for option in schema.get("anyOf", ()):
        if "$ref" in option:
            return resolved(option)
    name = schema.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["schemas"][name] if name else schema


def queries() -> Iterator[tuple[str, str, str]]:
    """Yield method, path and name of every query parameter that takes no free text."""
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                text = str(parameter["schema"])
                typed = "integer" in text or "boolean" in text or "enum" in text or "$ref" in text
                if parameter["in"] == "query" and typed and path.startswith("/api/v2/"):
                    yield method.upper(), path, parameter["name"]


BODIES, QUERIES = list(bodies()), list(queries())


def test_there_is_something_to_try():
    """A document of another shape would pass by being empty."""
    assert (len(BODIES) > 30, len(QUERIES) > 50) == (True, True)


@pytest.mark.parametrize("wrong", [b"[]", b"null", b"{"])
def test_a_body_that_is_no_object_is_refused(user: TestClient, wrong: bytes):
    """With 400 or 422, and the shape of every error; a body that may be missing may be null."""
    for method, path, _ in BODIES:
        answer = user.request(method, filled(path), content=wrong, headers={"Content-Type": "application/json"})
        if wrong == b"null" and answer.status_code == 404:
            continue
        assert answer.status_code in (400, 422), (method, path, answer.text)
        assert {"code", "message", "requestId"} == set(answer.json())


def test_a_body_without_what_is_required_is_refused(user: TestClient):
    """And the message names the first of it."""
    for method, path, schema in BODIES:
        required = schema.get("required", ())
        if required:
            answer = user.request(method, filled(path), json={})
            assert 422 == answer.status_code, (method, path, answer.text)
            assert any(name in answer.json()["message"] for name in required), (method, path, answer.text)


def test_a_field_of_another_type_is_refused(user: TestClient):
    """Each by itself, by its name."""
    for method, path, schema in BODIES:
        for name in schema.get("properties", {}):
            answer = user.request(method, filled(path), json={name: NO_TYPE_FITS})
            assert 422 == answer.status_code, (method, path, name, answer.text)


def test_a_query_of_another_type_is_refused(user: TestClient):
    """Numbers, switches, and words that are known."""
    for method, path, name in QUERIES:
        if method == "GET" and not path.endswith("/stream/"):
            answer = user.get(filled(path), params={name: "\u00e4nothing"})
            assert 422 == answer.status_code, (path, name, answer.status_code)
