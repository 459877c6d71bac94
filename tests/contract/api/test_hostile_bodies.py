"""Hostile bodies: refused with a reason, never a 500."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.store.sites import Site

ENVIRONMENTS = "/api/v2/predictionEnvironments/"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 422),
        (b"null", 422),
        (b"[]", 422),
        (b'{"name": 1}', 422),
        (b'{"name": ""}', 422),
        (b'{"name": "a\\u0000b"}', 422),
        (b'{"name": "\\ud800"}', 422),
        (b'{"name": "x", "statusIntervalSeconds": NaN}', 422),
        (b'{"name": "x", "statusIntervalSeconds": 1e999}', 422),
        (b'{"name": "x", "statusIntervalSeconds": "soon"}', 422),
        (b'{"name": "' + b"x" * 600 + b'"}', 422),
        (b'{"name": "' + b"x" * 2_000_000 + b'"}', 413),
    ],
)
def test_a_bad_body_is_refused(user: TestClient, body: bytes, status: int):
    """The code tells whose fault it is."""
    answer = user.post(ENVIRONMENTS, content=body, headers=JSON)

    assert (status, "invalid_request") == (answer.status_code, answer.json()["code"])


def test_a_body_without_a_length_is_measured_as_it_comes(user: TestClient):
    """Chunks do not hide their sum."""
    pieces = (b"x" * 100_000 for _ in range(15))

    assert 413 == user.post(ENVIRONMENTS, content=pieces, headers=JSON).status_code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"reports": [{"kind": "other"}]}',
        b'{"reports": [{"kind": "hosts"}]}',
        b'{"reports": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"reports": [{"kind": "result", "id": "\\ud800"}]}',
        b'{"reports": "' + b"x" * 2_000_000 + b'"}',
    ],
)
def test_a_bad_report_is_refused(agent: TestClient, body: bytes):
    """Agents are outside as well."""
    answer = agent.post("/agent/v1/reports", content=body)

    assert (422, "invalid_request") == (answer.status_code, answer.json()["code"])


def test_a_control_character_does_not_reach_the_store(user: TestClient):
    """Descriptions may be long and free, but are text."""
    made = user.post(ENVIRONMENTS, json={"name": "x", "description": "a\x00b\x1b[31mc"}).json()

    assert "abc" == made["description"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "offset=-1", "offset=99999999999999999999"])
def test_a_bad_page_is_refused(user: TestClient, query: str):
    """Naming the parameter."""
    answer = user.get(f"{ENVIRONMENTS}?{query}")

    assert 422 == answer.status_code
    assert query.partition("=")[0] in answer.json()["message"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["modelPackageId", "label", "predictionEnvironmentId", "port", "launch", "deploymentId"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.text())),
    )
)
def test_whatever_is_asked_is_answered_in_shape(user: TestClient, site: Site, body: dict[str, object]):
    """Never a 500, always a code."""
    answer = user.post("/api/v2/deployments/fromModelPackage/", content=json.dumps(body), headers=JSON)

    assert answer.status_code in (400, 404, 422)
    assert answer.json()["code"] in ("invalid_request", "not_found")
    assert "Traceback" not in answer.text
