"""Roles: every route of the application has a least role, and whoever has less is refused."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.control_plane.api.permissions import PERMISSIONS, Permission
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.roles import ROLE_OF_ACTION, Role
from tests.contract.store.sites import Site

EVERYBODY = ("nobody", "agent", *Role)
SIGNED = {("POST", f"/api/v2/webhooks/{kind}/{{webhook_id}}/") for kind in ("generic", "mlflow")}
"""They are open to all, and answer 401 to what no webhook's secret signed: test_webhooks_over_http."""
MATRIX = sorted(set(PERMISSIONS) - {("POST", "/login"), ("POST", "/logout")} - SIGNED)
"""The first two are open to all, and lead to the login whatever happens."""


@pytest.fixture(scope="module")
def standing(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site for all tests of this module; its streams end as they begin."""
    folder = tmp_path_factory.mktemp("roles")
    shutil.copy(sqlite_template, folder / "x.sqlite3")
    site = Site(f"sqlite:///{folder}/x.sqlite3", folder)
    site.services.wakeups.stop()
    yield site
    site.store.close()


@pytest.fixture(scope="module")
def app(standing: Site) -> FastAPI:
    return create_app(standing.services, writes_per_second=0)


@pytest.fixture(scope="module")
def holders(standing: Site, app: FastAPI) -> Mapping[str, TestClient]:
    """Whoever may ask -> a client with their token."""
    access = standing.services.access
    tokens = {role: access.create_token(name=f"a-{role}", kind="user", role=role).token for role in Role}
    tokens["agent"] = access.create_token(
        name="some-agent", kind="agent", environment_ids=[standing.environment.id]
    ).token
    clients = {"nobody": TestClient(app, follow_redirects=False)}
    for name, token in tokens.items():
        headers = {"Authorization": f"Bearer {token}"}
        clients[name] = TestClient(app, headers=headers, follow_redirects=False)
    return clients


def filled(template: str) -> str:
    return re.sub(r"\{[^}]+\}", "gone", template)


def may(who: str, permission: Permission) -> bool:
    if permission.everybody:
        return True
    if who == "agent":
        return permission.agents
    return who != "nobody" and permission.role is not None and Role(who).covers(permission.role)


def is_refused(client: TestClient, method: str, template: str) -> bool:
    answer = client.request(method, filled(template), json=None if method in ("GET", "HEAD") else {})
    return answer.status_code in (401, 403) or answer.headers.get("location") == "/login"


@pytest.mark.parametrize("who", EVERYBODY)
def test_everybody_meets_what_the_table_says(holders: Mapping[str, TestClient], who: str):
    """All roles times all routes: 401 (a browser: to the login) or 403 for whoever may not, and neither for whoever may."""
    wrong = [
        f"{method} {template}"
        for method, template in MATRIX
        if may(who, PERMISSIONS[method, template]) is is_refused(holders[who], method, template)
    ]

    assert [] == wrong


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", sorted(set(ActionType) - {ActionType.ENVIRONMENT_STATUS}))
def test_an_action_needs_the_role_of_its_type(holders: Mapping[str, TestClient], role: Role, action: ActionType):
    """Whatever the route is open to."""
    answer = holders[role].post("/api/v2/deployments/gone/actions/", json={"type": action})

    assert role.covers(ROLE_OF_ACTION[action]) is (answer.status_code != 403)


def test_a_refusal_names_the_role_that_is_needed_and_the_one_held(holders: Mapping[str, TestClient]):
    """So that one knows what to ask for."""
    answer = holders["viewer"].delete("/api/v2/deployments/gone/")

    assert (403, "forbidden") == (answer.status_code, answer.json()["code"])
    assert "this needs the role deployer, and a-viewer has viewer" in answer.json()["message"]


def test_a_token_made_without_a_role_is_a_viewers(holders: Mapping[str, TestClient]):
    """The least, unless somebody asks for more."""
    made = holders["admin"].post("/api/v2/accessTokens/", json={"name": "plain", "kind": "user"}).json()

    assert "viewer" == made["role"]


def test_an_unknown_role_is_refused(holders: Mapping[str, TestClient]):
    """422, and the message names the field."""
    answer = holders["admin"].post("/api/v2/accessTokens/", json={"name": "x", "kind": "user", "role": "root"})

    assert 422 == answer.status_code
    assert "role" in answer.json()["message"]


@pytest.mark.parametrize("path", ["/api/v2/nothing/", "/nothing", "/api/v2/accessTokens/%0a", "/deployments/a/b/c"])
def test_what_no_route_takes_is_not_found(holders: Mapping[str, TestClient], path: str):
    """Also where a router would be lenient."""
    assert 404 == holders["viewer"].get(path).status_code


def test_a_method_that_a_path_does_not_take_is_refused_with_those_that_it_does(holders: Mapping[str, TestClient]):
    """405."""
    answer = holders["admin"].put("/api/v2/deployments/")

    assert (405, "GET") == (answer.status_code, answer.headers["allow"])


def test_a_browser_is_told_on_a_page(holders: Mapping[str, TestClient]):
    """Not in JSON."""
    answer = holders["viewer"].get("/nothing")

    assert "text/html" in answer.headers["content-type"]
