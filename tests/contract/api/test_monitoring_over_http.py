"""Reports of monitors over HTTP: events, predictions, and key-values."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site

EVENTS, KEYS = "/api/v2/remoteEvents/", "/api/v2/keyValues/"
RED = {"eventType": "model_deployments.service_health_red", "timestamp": "2026-11-22T11:06:17Z", "deploymentId": "d1"}


@pytest.mark.parametrize(
    "told",
    [
        {"timestamp": "2026-11-22 11:06:17.992000"},
        {"timestamp": "2026-11-22 11:06:17.992+0000"},
        {"eventType": "deploymentInfo", "title": "stage 1 of 5", "message": "copied"},
        {"eventType": "externalNaNPredictions", "data": {"count": 3}},
        {"eventType": "prediction_request.failed", "predictionRequestData": {"status_code": 500, "user_id": "u"}},
        {"eventType": "moderationMetricCreationError", "moderationData": {"guardName": "g", "metricName": "m"}},
        {"eventType": "monitoring.spooler_channel_red", "spoolerChannelData": {"name": "n", "type": "KAFKA_SPOOL"}},
        {"eventType": "model_deployments.model_replacement", "data": {"oldModelId": "a", "newModelId": "b"}},
        {"title": "x" * 512, "message": "y" * 16_384, "orgId": "o"},
    ],
)
def test_an_event_is_taken_as_the_vendors_libraries_send_it(site: Site, user: TestClient, told: dict):
    """201 with a message; it is the newest entry of the deployment."""
    site.ready()
    answer = user.post(EVENTS, json={**RED, **told})

    assert (201, {"message"}) == (answer.status_code, set(answer.json())), answer.text
    newest = user.get("/api/v2/deployments/d1/events/").json()["data"][0]
    assert newest["actor"] == "monitor:ann"
    assert newest["timestamp"].startswith("2026-11-22T11:06:17")


@pytest.mark.parametrize(
    ("told", "status", "word"),
    [
        ({"deploymentId": "gone"}, 404, "gone"),
        ({"eventType": None}, 422, "eventType"),
        ({"eventType": "a b"}, 422, "eventType"),
        ({"eventType": "mgmt_ansible.feed_pruned"}, 422, "eventType"),
        ({"timestamp": "yesterday"}, 422, "timestamp"),
        ({"timestamp": None}, 422, "timestamp"),
        ({"title": "x" * 513}, 422, "title"),
        ({"message": "x" * 16_385}, 422, "message"),
        ({"deploymentId": None}, 422, "deploymentId"),
        ({"spoolerChannelData": {"name": "n"}}, 422, "type"),
        ({"data": []}, 422, "data"),
    ],
)
def test_an_event_that_is_none_is_refused(site: Site, user: TestClient, told: dict, status: int, word: str):
    """With the field's name."""
    site.ready()
    answer = user.post(EVENTS, json={**RED, **told})

    assert (status, True) == (answer.status_code, word in answer.json()["message"])


@pytest.mark.parametrize("scheme", ["Bearer ", "Token ", "Bearer  "])
def test_a_monitor_sends_its_token_as_it_likes(site: Site, callers, scheme: str):
    """Three spellings are in use."""
    site.ready()
    token = site.services.access.create_token(name=f"m{len(scheme)}{scheme[0]}", kind="user", role="operator").token

    answer = callers.nobody.post(EVENTS, json=RED, headers={"Authorization": f"{scheme}{token}"})

    assert 201 == answer.status_code


def test_a_users_token_that_monitors_is_forgotten_too(site: Site, callers):
    """Its name has a slash; the audit has the whole of it."""
    site.create(launch=False)
    body = api_v2.UserIn(name="eve", role=Role.OPERATOR)
    user_id = site.services.users.create_user(body).id
    create = site.services.access.create_token
    token = create(name="ci", kind="user", role=Role.OPERATOR, user_id=user_id).token
    answer = callers.nobody.post(EVENTS, json=RED, headers={"Authorization": f"Bearer {token}"})
    assert 201 == answer.status_code, answer.text

    statuses = [
        callers.user.delete(f"/api/v2/deployments/d1/monitors/{name}/").status_code for name in ("eve", "eve%2Fci")
    ]

    assert [404, 204] == statuses
    assert "eve/ci" == list(site.services.audit.entries())[-1].target_id


def test_a_monitors_word_is_shown_and_forgotten(site: Site, user: TestClient):
    """Also when nobody speaks any more."""
    site.ready()
    user.post(EVENTS, json=RED)
    assert "failing" == user.get("/api/v2/deployments/d1/").json()["serviceHealth"]["status"]
    word = user.get("/api/v2/deployments/d1/monitors/").json()["data"][0]
    assert ("ann", "service", "failing", True) == (word["monitor"], word["aspect"], word["health"], word["counts"])

    assert [204, 404] == [user.delete("/api/v2/deployments/d1/monitors/ann/").status_code for _ in range(2)]
    assert "passing" == user.get("/api/v2/deployments/d1/").json()["serviceHealth"]["status"]


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (
            "predictionRequests",
            {
                "timestamp": "2026-11-22 11:06:17.992+0000",
                "modelId": "m",
                "numPredictions": 10,
                "executionTime": 1.5,
                "userError": False,
                "systemError": True,
            },
        ),
        (
            "predictionInputs",
            {
                "timestamp": "2026-11-22 11:06:17.992+0000",
                "modelId": "m",
                "features": [{"name": "a", "values": [1, None, "x"]}],
                "predictions": [[0.5]],
                "associationIds": ["1"],
                "classNames": None,
            },
        ),
        ("predictionStats", {"timestamp": "2026-11-22T11:06:17Z", "numericAggregates": []}),
        ("actuals", {"associationId": "1", "actualValue": 3.5, "wasActedOn": None, "timestamp": None}),
    ],
)
def test_predictions_are_counted(site: Site, user: TestClient, kind: str, row: dict):
    """202; what they hold is not kept."""
    site.ready()
    path = f"/api/v2/deployments/d1/{kind}/fromJSON/"

    answer = user.post(path, json={"data": [row, row]})

    assert (202, True) == (answer.status_code, "2 row(s)" in answer.json()["message"])
    (count,) = user.get("/api/v2/deployments/d1/predictionUsage/").json()["data"]
    assert (kind, 2, 20 if kind == "predictionRequests" else 0) == (count["kind"], count["rows"], count["predictions"])
    times = user.get("/api/v2/deployments/d1/responseTimes/", params={"hours": 2160}).json()["data"]
    told = [(one["source"], one["asked"], one["failed"], one["averageMilliseconds"]) for one in times]
    assert ([("monitors", 2, 2, 1.5)] if kind == "predictionRequests" else []) == told
    for wrong in ({"data": "x"}, {}, {"data": [{"timestamp": "x"}]}, {"data": [5]}):
        assert 422 == user.post(path, json=wrong).status_code, wrong


@pytest.mark.parametrize(
    ("value_type", "value", "told"),
    [
        ("string", "x", ("x", None, None)),
        ("numeric", 3.5, ("3.5", 3.5, None)),
        ("numeric", "7", ("7", 7.0, None)),
        ("boolean", True, ("true", None, True)),
        ("json", '{"a": 1}', ('{"a": 1}', None, None)),
        ("url", "https://example.org/x", ("https://example.org/x", None, None)),
        ("credential", "hunter2-hunter2", (None, None, None)),
    ],
)
def test_a_key_value_is_of_its_type(site: Site, user: TestClient, value_type: str, value: object, told: tuple):
    """A credential is told to be there, and nothing else."""
    site.ready()
    body = {
        "entityId": "d1",
        "entityType": "deployment",
        "name": "k",
        "category": "runtimeParameter",
        "valueType": value_type,
        "value": value,
    }
    made = user.post(KEYS, json=body)
    read = user.get(f"{KEYS}{made.json()['id']}/").json()

    assert 201 == made.status_code, made.text
    assert told == (read["value"], read["numericValue"], read["booleanValue"])
    assert {"creatorName": "ann", "isEditable": True, "category": "runtimeParameter"}.items() <= read.items()
    assert "hunter2" not in user.get(KEYS, params={"entityId": "d1"}).text
    assert 409 == user.post(KEYS, json=body).status_code


def test_key_values_are_listed_changed_and_deleted(site: Site, user: TestClient):
    """Of every kind of thing."""
    entities = {
        "predictionEnvironment": site.environment.id,
        "modelPackage": site.package.id,
        "registeredModel": site.package.registered_model_id,
    }
    for kind, entity_id in entities.items():
        body = {"entityId": entity_id, "entityType": kind, "name": "auc", "category": "metric", "valueType": "numeric"}
        made = user.post(KEYS, json={**body, "value": 0.9}).json()
        query = {"entityId": entity_id, "entityType": kind, "name": "auc", "category": "metric"}
        assert [made] == user.get(KEYS, params=query).json()["data"]
        path = f"{KEYS}{made['id']}/"
        assert 0.95 == user.patch(path, json={"value": 0.95, "description": "new"}).json()["numericValue"]
        assert 422 == user.patch(path, json={"value": "much"}).status_code
        assert [204, 404] == [user.delete(path).status_code for _ in range(2)]
        assert 404 == user.post(KEYS, json={**body, "entityId": "gone", "value": 1}).status_code


@pytest.mark.parametrize(
    "told",
    [
        {"valueType": "image"},
        {"valueType": "numeric", "value": "NaN"},
        {"valueType": "boolean", "value": "maybe"},
        {"valueType": "json", "value": "{"},
        {"valueType": "url", "value": "javascript:alert(1)"},
        {"value": None},
        {"entityType": "moon"},
        {"category": "moon"},
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused(site: Site, user: TestClient, told: dict):
    """With 422."""
    site.ready()
    body = {"entityId": "d1", "entityType": "deployment", "name": "k", "category": "tag", "valueType": "string"}

    assert 422 == user.post(KEYS, json={**body, "value": "x", **told}).status_code
