"""Owners of deployments on the pages."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane import access
from mgmt_ansible.wire.deployment_details import Owner, Owners
from tests.unit.pages import scripted_services as scripted
from tests.unit.pages import scripted_values as example
from tests.unit.pages.scripted_access import SESSION


@pytest.fixture
def script() -> scripted.Scripted:
    owned = [
        (one, Owners(count=1, preview=[Owner(username=owner)])) for one, owner in (("wine", "ada"), ("churn", "bob"))
    ]
    return scripted.Scripted(deployments=[example.deployment(one, owners=owners) for one, owners in owned])


@pytest.fixture
def browser(script):
    with TestClient(script.app(), follow_redirects=False) as client:
        client.cookies.set(access.SESSION_COOKIE, SESSION)
        yield client


def test_an_owner_is_a_filter_a_column_and_a_part_of_the_export(browser):
    """Of exactly the deployments that the filter shows."""
    text = browser.get("/?owner=bob&column=owner").text
    export = re.search(r'href="(/api/v2/exports/deployments/\?format=csv[^"]*)"', text)[1]

    assert ["churn"] == re.findall(r'id="row-(\w+)', text)
    assert "<option selected>bob</option>" in text
    assert export.endswith("&amp;owner=bob")


def test_a_deployment_is_given_to_somebody_on_its_page(script, browser):
    """From those who see it; nobody is no owner."""
    assert "<option selected>ada</option><option>bob</option>" in browser.get("/deployments/wine/owner").text
    assert 422 == browser.post("/deployments/wine/owner", data={"owner": " "}).status_code
    done = browser.post("/deployments/wine/owner", data={"owner": "bob"})

    assert (303, "/deployments/wine") == (done.status_code, done.headers["location"])
    assert [("wine", "bob")] == script.asked


def test_who_may_not_give_it_sees_who_owns_it(script, browser):
    """And no link to what would be refused."""
    script.role = scripted.Role.VIEWER
    text = browser.get("/deployments/wine").text
    assert (True, False) == ("<dt>Owner</dt><dd>ada" in text, "/owner" in text)
