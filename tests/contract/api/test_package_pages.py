"""The pages of packages, over the whole application."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site

HERE = {"Sec-Fetch-Site": "same-origin"}


def test_versions_stand_together_by_name(site: Site, user: TestClient):
    """With digest, runtime, size and how often each is deployed."""
    site.create()

    page = user.get("/packages").text
    assert 1 == page.count('<h2 id="group-')
    assert f'href="/packages/{site.package.id}"' in page
    assert page.index(f"/packages/{site.newer.id}") < page.index(f"/packages/{site.package.id}")
    for told in ("onnx", "7 B", site.package.digest[:12]):
        assert told in page


def test_a_package_tells_where_it_is_deployed(site: Site, user: TestClient):
    """Deployments that want it, and hosts that serve its very files."""
    site.ready()

    page = user.get(f"/packages/{site.package.id}").text
    for told in (site.package.digest, site.package.archive_sha256, 'href="/deployments/d1"', "h1"):
        assert told in page
    assert "Nowhere. Launch it" in user.get(f"/packages/{site.newer.id}").text


def test_a_used_package_says_why_it_stays(site: Site, user: TestClient):
    """And which deployment wants it; a form sent all the same is refused."""
    site.create()
    path = f"/packages/{site.package.id}/delete"

    assert "1 deployment wants it" in user.get(path).text
    refused = user.post(path, data={"confirm": "fraud 1"}, headers=HERE)
    assert (422, True) == (refused.status_code, "is used by 1 deployment" in refused.text)


def test_an_unused_package_is_deleted_when_its_name_is_typed(site: Site, user: TestClient):
    """Nothing is deleted by a slip."""
    path = f"/packages/{site.newer.id}/delete"

    assert 422 == user.post(path, data={"confirm": "fraud"}, headers=HERE).status_code
    done = user.post(path, data={"confirm": "fraud 2"}, headers=HERE)
    assert (303, "/packages?name=fraud") == (done.status_code, done.headers["location"])
    assert 404 == user.get(f"/packages/{site.newer.id}").status_code


def test_a_form_of_another_site_deletes_nothing(site: Site, user: TestClient):
    """Whatever it says."""
    answer = user.post(
        f"/packages/{site.newer.id}/delete", data={"confirm": "fraud 2"}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert 403 == answer.status_code


@pytest.mark.parametrize(
    "query", ["search=%25", "offset=-1", "offset=999999999999", "name=nope", "search=" + "x" * 300]
)
def test_odd_filters_are_an_empty_or_a_whole_list(callers: Callers, query: str):
    """Never an error."""
    assert 200 == callers.user.get(f"/packages?{query}").status_code


def test_an_empty_registry_teaches_the_first_command(site: Site, user: TestClient):
    """And has the way to upload from here."""
    for package in (site.package, site.newer):
        site.services.registry.delete_package(package.id)

    page = user.get("/packages").text
    assert "mgmt-ansible package add FOLDER --name NAME --version VERSION" in page
    assert 'href="/packages/new"' in page
    assert 'data-upload="/api/v2/modelPackages/"' in user.get("/packages/new").text
