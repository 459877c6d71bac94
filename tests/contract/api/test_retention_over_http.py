"""Retention over HTTP: policies, holds, a preview, and a prune."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.contract.store.sites import Site

POLICIES, HOLDS = "/api/v2/retentionPolicies/", "/api/v2/legalHolds/"


def test_the_default_policy_is_there(user: TestClient):
    """90 days, for all."""
    (default,) = user.get(POLICIES).json()["data"]

    assert ("default", 90, []) == (default["name"], default["keepDays"], default["categories"])


def test_a_policy_is_made_changed_and_deleted(site: Site, user: TestClient):
    """Who did it stands beside it."""
    body = {"name": "p", "keepDays": 10, "predictionEnvironmentId": site.environment.id, "categories": ["health"]}
    made = user.post(POLICIES, json=body)
    path = f"{POLICIES}{made.json()['id']}/"

    changed = user.patch(path, json={"keepDays": 20, "healths": ["passing"]})

    assert (201, "ann") == (made.status_code, made.json()["changedBy"])
    assert body | {"keepDays": 20} == {name: changed.json()[name] for name in body}
    assert ["passing"] == changed.json()["healths"]
    assert 409 == user.post(POLICIES, json=body).status_code
    assert 204 == user.delete(path).status_code
    assert 404 == user.delete(path).status_code


@pytest.mark.parametrize(
    "body",
    [
        {"name": "p", "keepDays": 10},
        {"name": "p", "keepDays": 0, "types": ["t"]},
        {"name": "p", "keepDays": 99_999_999, "types": ["t"]},
        {"name": "p\u202e", "keepDays": 10, "types": ["t"]},
        {"name": "p", "keepDays": 10, "categories": ["nothing"]},
        {"name": "p", "types": ["t"]},
    ],
)
def test_a_policy_that_is_none_is_refused(user: TestClient, body: dict):
    """With 422."""
    assert (422, "invalid_request") == (
        (answer := user.post(POLICIES, json=body)).status_code,
        answer.json()["code"],
    )


def test_a_hold_is_placed_and_released(site: Site, user: TestClient):
    """By somebody, for a reason."""
    site.ready()
    placed = user.post(HOLDS, json={"deploymentId": "d1", "reason": "case 7"})

    assert (201, "ann", "case 7") == (placed.status_code, placed.json()["placedBy"], placed.json()["reason"])
    assert [placed.json()] == user.get(HOLDS).json()["data"]
    assert 204 == user.delete(f"{HOLDS}{placed.json()['id']}/").status_code
    assert [] == user.get(HOLDS).json()["data"]
    assert 422 == user.post(HOLDS, json={"reason": "case 7"}).status_code


def test_a_prune_removes_what_the_preview_shows(site: Site, user: TestClient):
    """The answers have the same shape."""
    site.ready()
    site.clock.pass_seconds(100 * 86_400)

    seen = user.get("/api/v2/retention/preview/").json()
    done = user.post("/api/v2/retention/prune/").json()

    assert seen["entries"] > 0
    assert seen | {"pruned": True} == done
    assert {"legal_hold", "newest"} <= {one["name"] for one in done["protections"]}
    assert 0 == user.get("/api/v2/retention/preview/").json()["entries"]
