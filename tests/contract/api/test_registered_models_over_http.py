"""Registered models and packages over HTTP, the vendor's way: builds that are followed, files with names."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.contract.store.sites import Site

PACKAGES, MODELS = "/api/v2/modelPackages/", "/api/v2/registeredModels/"


@pytest.mark.parametrize("installer", ["", "?portablePredictionsServerInstaller=true"])
def test_a_build_leads_to_the_file(site: Site, user: TestClient, installer: str):
    """202 with an absolute address, 303, then octets with a name."""
    built = user.post(f"{PACKAGES}{site.package.id}/modelPackageFileBuilds/{installer}")
    followed = user.get(built.headers["location"])
    file = user.get(followed.headers["location"] + installer)

    assert [202, 303, 200] == [built.status_code, followed.status_code, file.status_code]
    assert built.headers["location"].startswith("http://testserver/api/v2/status/")
    assert b"fraud 1" == file.content
    assert 'attachment; filename="fraud-1.mgmt-package"' == file.headers["content-disposition"]
    assert b"raud" == user.get(followed.headers["location"], headers={"Range": "bytes=1-4"}).content


def test_the_file_of_a_deployment_is_that_of_its_package(site: Site, user: TestClient):
    """By the same two steps."""
    site.ready()
    built = user.post("/api/v2/deployments/d1/modelPackageFileBuilds/")

    assert b"fraud 1" == user.get(user.get(built.headers["location"]).headers["location"]).content
    assert b"fraud 1" == user.get("/api/v2/deployments/d1/modelPackageFile/").content


def test_scoring_code_is_refused_where_there_is_none(site: Site, user: TestClient):
    """With the runtime that is there."""
    site.ready()
    for path in (f"{PACKAGES}{site.package.id}", "/api/v2/deployments/d1"):
        for answer in (
            user.get(f"{path}/scoringCode/"),
            user.post(f"{path}/scoringCodeBuilds/", json={"includePredictionExplanations": True}),
        ):
            assert (422, True) == (answer.status_code, "onnx" in answer.json()["message"])


def test_a_package_is_made_from_json(user: TestClient):
    """As the vendor's clients send it."""
    body = {
        "name": "churn v1",
        "modelDescription": {"modelName": "churn", "location": "s3://bucket/churn", "description": "d"},
        "target": {"name": "left", "type": "Binary", "classNames": ["yes", "no"]},
        "registeredModelName": "churn",
        "modelId": "5f0c",
        "unknownKey": 1,
    }
    made = user.post(f"{PACKAGES}fromJSON/", json=body)
    read = user.get(f"{PACKAGES}{made.json()['id']}/").json()

    assert 201 == made.status_code
    assert ("churn v1", "5f0c", "external", "complete") == (
        read["name"],
        read["modelId"],
        read["modelExecutionType"],
        read["buildStatus"],
    )
    assert body["target"] == {name: read["target"][name] for name in body["target"]}
    assert body["modelDescription"] == {name: read["modelDescription"][name] for name in body["modelDescription"]}
    assert read == user.get(f"{MODELS}{read['registeredModelId']}/versions/{read['id']}/").json()
    assert 422 == user.get(f"{PACKAGES}{read['id']}/modelPackageFile/").status_code


def test_packages_are_found_by_what_clients_know(site: Site, user: TestClient):
    """Model id, registered model, and text."""

    def ids(**query: str) -> list[str]:
        return [one["id"] for one in user.get(PACKAGES, params=query).json()["data"]]

    assert [site.newer.id] == ids(modelId=site.newer.digest) == ids(version="2", search="FRAUD")
    assert [site.newer.id, site.package.id] == ids(registeredModelId=site.package.registered_model_id)


def test_an_alias_is_put_read_and_deleted(site: Site, user: TestClient):
    """By the registered model's id."""
    path = f"{MODELS}{site.package.registered_model_id}/aliases/champion/"

    put = user.put(path, json={"modelPackageId": site.package.id})

    assert (200, "champion", "ann", 1) == (
        put.status_code,
        put.json()["alias"],
        put.json()["setBy"],
        put.json()["registeredModelVersion"],
    )
    assert put.json() == user.get(path).json()
    assert [put.json()] == user.get(f"{MODELS}{site.package.registered_model_id}/aliases/").json()["data"]
    assert [204, 404] == [user.delete(path).status_code for _ in range(2)]
    assert 422 == user.put(path.replace("champion", "latest"), json={"modelPackageId": site.package.id}).status_code


def test_a_models_deployments_are_listed(site: Site, user: TestClient):
    """Of all its versions, or of one."""
    site.ready()
    base = f"{MODELS}{site.package.registered_model_id}"

    assert ["d1"] == [one["id"] for one in user.get(f"{base}/deployments/").json()["data"]]
    assert ["d1"] == [one["id"] for one in user.get(f"{base}/versions/{site.package.id}/deployments/").json()["data"]]
    assert 0 == user.get(f"{base}/versions/{site.newer.id}/deployments/").json()["totalCount"]


def test_an_archived_package_is_left_out(site: Site, user: TestClient):
    """204, and no way back."""
    assert 204 == user.post(f"{PACKAGES}{site.newer.id}/archive/").status_code
    assert 1 == user.get(PACKAGES).json()["totalCount"]
    assert 2 == user.get(PACKAGES, params={"showArchived": "true"}).json()["totalCount"]
