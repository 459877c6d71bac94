"""`/access` and `/audit`: administrators change who may, and see who did what; nobody else comes in."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.domain.roles import Role
from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site

OURS = {"Sec-Fetch-Site": "same-origin"}


def post(client: TestClient, path: str, **form: str):
    return client.post(path, data=form, headers=OURS)


def test_a_user_is_added_changed_and_locked_out(site: Site, user: TestClient):
    """Each step leads back to the list."""
    added = post(user, "/access/users", name="Ann B", role="operator", password="correct horse battery")
    (ann,) = site.services.users.list_users().data

    assert (303, "/access") == (added.status_code, added.headers["location"])
    assert 303 == post(user, f"/access/users/{ann.id}", role="viewer").status_code
    assert 303 == post(user, f"/access/users/{ann.id}", disabled="yes").status_code
    after = site.services.users.get_user(ann.id)
    assert (Role.VIEWER, True) == (after.role, after.disabled)
    assert "Ann B" in user.get("/access").text


def test_a_token_is_shown_once(site: Site, user: TestClient):
    """And never again."""
    made = post(user, "/access/tokens", name="ci", role="deployer", environment=site.environment.id)

    (text,) = set(re.findall(r"mga_[\w-]{43}", made.text))
    principal = site.services.access.authenticate(f"Bearer {text}")
    assert (Role.DEPLOYER, (site.environment.id,)) == (principal.role, principal.environment_ids)
    assert text not in user.get("/access").text
    assert "no-store" in made.headers["cache-control"]

    assert 303 == post(user, f"/access/tokens/{principal.token_id}/revoke").status_code
    assert "ci" not in [one.name for one in site.services.access.list_tokens().data]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "x", "role": "root"}, "role"),
        ({"name": "<b>", "role": "viewer"}, "name"),
        ({"name": "x", "role": "viewer", "password": "short-secret"[:5]}, "password"),
        ({"name": "x", "role": "viewer", "environment": "gone"}, "gone"),
    ],
)
def test_what_does_not_fit_is_told_on_a_page(user: TestClient, form: dict[str, str], field: str):
    """With the field, and not with a password."""
    answer = post(user, "/access/users", **form)

    assert answer.status_code in (404, 422)
    assert field in answer.text
    assert "short" not in answer.text.replace("short-digest", "")


def test_a_form_of_another_site_changes_nothing(site: Site, user: TestClient):
    """403."""
    answer = user.post("/access/users", data={"name": "eve", "role": "admin"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert (403, 0) == (answer.status_code, site.services.users.list_users().total_count)


def test_the_audit_is_listed_verified_and_paged(site: Site, user: TestClient):
    """Text from outside stays text."""
    for number in range(60):
        site.services.access.create_token(name=f"t{number}", kind="user")
    post(user, "/access/users", name="Ann", role="viewer")

    first = user.get("/audit?verify=yes").text

    assert "all as they were written" in first
    assert "Ann created with role viewer" in first
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    assert "t59 with role" not in user.get(older).text
    assert "No entry fits" in user.get("/audit?actor=%3Cscript%3E").text
    assert "<script>" not in user.get("/audit?actor=%3Cscript%3E").text.partition("<main")[2].partition("</main")[0]


@pytest.mark.parametrize("path", ["/access", "/audit"])
def test_nobody_else_comes_in(site: Site, callers: Callers, path: str):
    """And the bar does not offer it."""
    token = site.services.access.create_token(name="dee", kind="user", role=Role.DEPLOYER).token
    headers = {"Authorization": f"Bearer {token}"}

    assert 403 == callers.user.get(path, headers=headers).status_code
    assert f'href="{path}"' not in callers.user.get("/", headers=headers).text
    assert f'href="{path}"' in callers.user.get("/").text
