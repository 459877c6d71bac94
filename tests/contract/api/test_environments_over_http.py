"""Prediction environments over HTTP: every field that public clients read, and both words for the switch."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.contract.store.sites import Site

PATH = "/api/v2/predictionEnvironments/"


def test_an_environment_has_every_field_that_clients_read(user: TestClient):
    """Names as the vendor's public documentation has them; what is not set is null."""
    body = {"name": "edge", "platform": "onPremise", "plugin": "filesystem", "priority": 1}
    made = user.post(PATH, json=body).json()

    assert body == {name: made[name] for name in body}
    assert ("managementAgent", True, False) == (
        made["managedBy"],
        made["isManagedByManagementAgent"],
        made["isDeleted"],
    )
    assert {"status": "unknown", "message": "no deployments", "timestamp": None} == made["health"]
    assert {"creatorId", "creatorUsername", "dateCreated"} == set(made["importMeta"])
    assert "ann" == made["importMeta"]["creatorUsername"]
    assert [None] * 4 == [
        made[name] for name in ("datastoreId", "credentialId", "maxConcurrentBatchPredictionsJob", "managementMeta")
    ]


def test_the_service_account_is_the_agents_token(site: Site, user: TestClient):
    """One that may serve the environment."""
    meta = user.get(f"{PATH}{site.environment.id}/").json()["managementMeta"]

    assert meta["username"] in ("agent", "agent-two")  # of the same moment
    assert [] == meta["additionalMetadata"]
    assert meta["userId"]


@pytest.mark.parametrize(
    ("body", "managed"),
    [
        ({}, True),
        ({"isManagedByManagementAgent": False}, False),
        ({"managedBy": "selfManaged"}, False),
        ({"managedBy": "managementAgent"}, True),
        ({"managedBy": "selfManaged", "isManagedByManagementAgent": False}, False),
    ],
)
def test_either_word_says_who_acts(user: TestClient, body: dict, managed: bool):
    """Both are in the answer."""
    made = user.post(PATH, json={"name": "e", **body}).json()

    assert managed == made["isManagedByManagementAgent"]
    assert ("managementAgent" if managed else "selfManaged") == made["managedBy"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"managedBy": "selfManaged", "isManagedByManagementAgent": True}, "managedBy"),
        ({"managedBy": "datarobot"}, "managedBy"),
        ({"platform": "moon"}, "platform"),
        ({"supportedModelFormats": ["datarobot", "datarobotScoringCode"]}, "supportedModelFormats"),
        ({"supportedModelFormats": ["nothing"]}, "supportedModelFormats"),
        ({"credentialId": "5f"}, "credentialId"),
        ({"priority": "high"}, "priority"),
    ],
)
def test_what_has_no_meaning_here_is_refused(user: TestClient, body: dict, word: str):
    """With the field's name."""
    answer = user.post(PATH, json={"name": "e", **body})

    assert 422 == answer.status_code
    assert word in answer.json()["message"]


def test_the_switch_is_turned_by_a_patch(site: Site, user: TestClient):
    """And a launch there leads to the deployment at once."""
    path = f"{PATH}{site.environment.id}/"
    assert "selfManaged" == user.patch(path, json={"managedBy": "selfManaged"}).json()["managedBy"]
    body = {"modelPackageId": site.package.id, "label": "wine", "predictionEnvironmentId": site.environment.id}
    launched = user.post("/api/v2/deployments/fromModelPackage/", json=body)

    status = user.get(launched.headers["location"])

    assert (202, 303) == (launched.status_code, status.status_code)
    assert status.headers["location"].endswith(f"/api/v2/deployments/{launched.json()['id']}/")
    assert None is user.get(path).json()["managementMeta"]


def test_an_environment_is_gone_when_it_is_deleted_twice(user: TestClient):
    """204, then 410; one that never was is 404."""
    path = f"{PATH}{user.post(PATH, json={'name': 'e'}).json()['id']}/"

    assert [204, 410] == [user.delete(path).status_code for _ in range(2)]
    assert 404 == user.get(path).status_code
    assert 404 == user.delete(f"{PATH}nothing/").status_code


def test_environments_are_searched_and_filtered(site: Site, user: TestClient):
    """By text, platform, and who acts."""
    user.post(PATH, json={"name": "edge", "platform": "aws", "description": "Shops", "managedBy": "selfManaged"})

    def names(**query: str) -> list[str]:
        return [one["name"] for one in user.get(PATH, params=query).json()["data"]]

    assert ["edge"] == names(search="shops") == names(platform="aws") == names(managedBy="selfManaged")
    assert ["edge", "prod"] == names()
    assert 422 == user.get(PATH, params={"managedBy": "nobody"}).status_code
