"""What clients of the vendor's API read of deployments, and how they look for them."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.contract.store.sites import Site

PATH = "/api/v2/deployments/"
FIELDS = {
    "id", "label", "description", "status", "importance", "createdAt", "model", "modelPackage", "predictionEnvironment",
    "serviceHealth", "modelHealth", "accuracyHealth", "fairnessHealth", "governance", "owners", "permissions",
    "predictionUsage", "tags", "approvalStatus", "capabilities", "settings", "defaultPredictionServer",
}  # fmt: skip
"""Source: the vendor's public documentation of a deployment."""


def ids(user: TestClient, **query: object) -> list[str]:
    answer = user.get(PATH, params=query)
    assert 200 == answer.status_code, answer.text
    return [one["id"] for one in answer.json()["data"]]


def test_a_deployment_has_every_field_that_clients_read(site: Site, user: TestClient):
    """In the list as by itself; what is not known is null."""
    site.ready()
    one = user.get(f"{PATH}d1/").json()

    assert set() == FIELDS - set(one)
    assert one == user.get(PATH).json()["data"][0]
    assert ("active", "LOW", "APPROVED", None) == (
        one["status"],
        one["importance"],
        one["approvalStatus"],
        one["defaultPredictionServer"],
    )
    assert {"id", "type", "targetName", "targetType", "deployedAt"} <= set(one["model"])
    assert site.package.digest == one["model"]["id"]
    assert one["model"]["deployedAt"]
    assert {"id", "name", "registeredModelId"} <= set(one["modelPackage"])
    assert site.package.registered_model_id == one["modelPackage"]["registeredModelId"]
    environment = one["predictionEnvironment"]
    assert {"plugin": None, "isManagedByManagementAgent": True, "supportedModelFormats": ["externalModel"]} == {
        name: environment[name] for name in ("plugin", "isManagedByManagementAgent", "supportedModelFormats")
    }
    for health in ("serviceHealth", "modelHealth", "accuracyHealth", "fairnessHealth"):
        assert {"status", "message", "startDate", "endDate"} == set(one[health])
    assert {"approvalStatus": "APPROVED", "hasOpenedChangeRequests": False, "reviewers": []} == one["governance"]
    assert (1, "ann") == (one["owners"]["count"], one["owners"]["preview"][0]["username"])
    assert [0] * 7 == one["predictionUsage"]["dailyRates"]


def test_deployments_are_filtered_as_the_vendor_does(site: Site, user: TestClient):
    """Several values come repeated or parted by commas; a word that is none is refused."""
    site.ready("d1", importance="HIGH")
    site.create("d2", launch=False)
    user.post(f"{PATH}d1/tags/", json={"name": "team", "value": "blue"})

    for query in (
        {"serviceHealth": "passing"},
        {"serviceHealth": ["passing", "failing"]},
        {"importance": "HIGH,CRITICAL"},
        {"status": "active"},
        {"tagKeys": "team"},
        {"tagValues": ["blue", "red"]},
        {"search": "label of D1"},
        {"state": "ready"},
        {"state": ["ready", "in_action"]},
        {"health": "passing,failing"},
    ):
        assert ["d1"] == ids(user, **query), query
    every = {"executionEnvironmentType": "external", "role": "OWNER", "modelHealth": "unknown,unavailable"}
    assert ["d1", "d2"] == ids(user, **every, predictionEnvironmentPlatform="onPremise")
    assert [] == ids(user, executionEnvironmentType="datarobot")
    assert [] == ids(user, tagKeys="other")
    assert [] == ids(user, state="in_action")
    assert ["d1", "d2"] == ids(user, state="stopped,ready")
    for query in (
        {"state": "odd"},
        {"health": "info"},
        {"importance": "SOME"},
        {"serviceHealth": "green"},
        {"role": "KING"},
        {"orderBy": "colour"},
    ):
        answer = user.get(PATH, params=query)
        assert (422, True) == (answer.status_code, next(iter(query)) in answer.json()["message"])


@pytest.mark.parametrize(
    ("order_by", "first"),
    [("label", "d1"), ("-label", "d2"), ("importance", "d2"), ("-createdAt", "d2"), ("serviceHealth", "d1")],
)
def test_deployments_are_ordered(site: Site, user: TestClient, order_by: str, first: str):
    """A minus turns it round."""
    site.ready("d1")
    site.clock.pass_seconds(1)
    site.create("d2", launch=False, importance="CRITICAL")

    assert first == ids(user, orderBy=order_by)[0]


def test_a_deployment_is_made_from_what_the_vendors_clients_send(site: Site, user: TestClient):
    """Unknown fields are left; `userProvidedId` is told again."""
    body = {
        "modelPackageId": site.package.id,
        "predictionEnvironmentId": site.environment.id,
        "label": "wine",
        "description": None,
        "importance": "MODERATE",
        "additionalMetadata": [{"key": "a", "value": "b"}],
        "userProvidedId": "mine-1",
        "runtimeParameterValues": "[]",
    }
    made = user.post(f"{PATH}fromModelPackage/", json=body)

    assert 202 == made.status_code
    one = user.get(f"{PATH}{made.json()['id']}/").json()
    assert ("wine", "", "MODERATE", "mine-1") == (
        one["label"],
        one["description"],
        one["importance"],
        one["userProvidedId"],
    )


def test_tags_are_kept_by_name(site: Site, user: TestClient):
    """Made, read, changed, deleted; of environments too."""
    site.ready()
    for base in (f"{PATH}d1/tags/", f"/api/v2/predictionEnvironments/{site.environment.id}/tags/"):
        made = user.post(base, json={"name": "team", "value": "blue"})
        path = f"{base}{made.json()['id']}/"

        assert (201, 409) == (made.status_code, user.post(base, json={"name": "team", "value": "x"}).status_code)
        assert made.json() == user.get(path).json() == user.get(base).json()["data"][0]
        assert "red" == user.patch(path, json={"value": "red"}).json()["value"]
        assert [204, 404] == [user.delete(path).status_code for _ in range(2)]
        assert 422 == user.post(base, json={"name": "a\u202eb", "value": ""}).status_code


def test_a_replacement_is_checked_before(site: Site, user: TestClient):
    """Each check says what it found; the worst of them is the status."""
    site.ready()
    path = f"{PATH}d1/model/validation/"

    def check(package_id: str) -> dict:
        return user.post(path, json={"modelPackageId": package_id}).json()

    fine = check(site.newer.id)
    assert ("passing", "the model can be replaced") == (fine["status"], fine["message"])
    assert {"state", "package", "archive", "runtime", "target", "registeredModel", "agent"} == set(fine["checks"])
    assert "warning" == check(site.package.id)["checks"]["package"]["status"]
    assert "warning" == check(site.add_package("other", "1").id)["checks"]["registeredModel"]["status"]
    external = user.post("/api/v2/modelPackages/fromJSON/", json={"name": "ext"}).json()["id"]
    refused = check(external)
    assert ("failing", "failing") == (refused["status"], refused["checks"]["archive"]["status"])
    site.replace()
    assert "failing" == check(site.newer.id)["checks"]["state"]["status"]
    site.clock.pass_seconds(1000)
    assert "warning" == check(site.newer.id)["checks"]["agent"]["status"]
    assert 404 == user.post(path, json={"modelPackageId": "gone"}).status_code


def test_settings_say_what_is_not_here(site: Site, user: TestClient):
    """What says the same is taken, anything else is refused by name."""
    site.ready()
    for base in (f"{PATH}d1/settings/", f"{PATH}d1/healthSettings/"):
        now = user.get(base).json()
        assert now == user.patch(base, json=now).json() == user.patch(base, json={}).json()
    off = {"targetDrift": {"enabled": False}, "featureDrift": {"enabled": False}, "associationId": None}
    del off["associationId"]
    assert 200 == user.patch(f"{PATH}d1/settings/", json=off).status_code
    for base, body, name in (
        ("settings", {"targetDrift": {"enabled": True}}, "targetDrift/enabled"),
        ("settings", {"associationId": {"columnNames": ["id"]}}, "associationId/columnNames"),
        ("healthSettings", {"dataDrift": {"driftThreshold": 0.2}}, "dataDrift/driftThreshold"),
    ):
        answer = user.patch(f"{PATH}d1/{base}/", json=body)
        assert (422, True) == (answer.status_code, name in answer.json()["message"])


def test_capabilities_and_shared_roles_are_told(site: Site, user: TestClient):
    """What is not supported says why."""
    site.ready()
    found = {one["name"]: one for one in user.get(f"{PATH}d1/capabilities/", params={"limit": 500}).json()["data"]}

    assert found["supports_model_replacement"]["supported"]
    assert ["monitors judge"] == [text[:14] for text in found["supports_drift_tracking"]["messages"]]
    roles = user.get(f"{PATH}d1/sharedRoles/").json()["data"]
    assert "OWNER" == next(one["role"] for one in roles if one["name"] == "ann")


def test_events_are_narrowed_by_the_vendors_categories(site: Site, user: TestClient):
    """Management is all that is not monitoring; ours are known too."""
    site.ready()
    body = {
        "eventType": "model_deployments.service_health_red",
        "timestamp": "2026-11-01T00:00:00Z",
        "deploymentId": "d1",
    }
    user.post("/api/v2/remoteEvents/", json=body)

    def types(category: str) -> list[str]:
        found = user.get(f"{PATH}d1/events/", params={"eventCategory": category, "limit": 10, "offset": 0}).json()
        assert {"id", "type", "statusType", "title", "message", "timestamp"} <= set(found["data"][0])
        return [one["type"] for one in found["data"]]

    assert ["model_deployments.service_health_red"] == types("monitoring")
    assert "model_deployments.service_health_red" not in types("management")
    assert 2 == len(types("launch"))
    assert 422 == user.get(f"{PATH}d1/events/", params={"eventCategory": "x"}).status_code


def test_permissions_are_those_of_whoever_asks(site: Site, callers):
    """A viewer sees, and no more."""
    site.ready()
    token = site.services.access.create_token(name="eve", kind="user", role="viewer").token
    headers = {"Authorization": f"Bearer {token}"}
    environment = f"/api/v2/predictionEnvironments/{site.environment.id}/"

    for path in (f"{PATH}d1/", environment):
        assert ["CAN_VIEW"] == callers.nobody.get(path, headers=headers).json()["permissions"]
        assert "CAN_EDIT" in callers.user.get(path).json()["permissions"]
