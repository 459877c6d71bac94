"""Saved views: kept with who saved them, seen by nobody else."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane import saved_views
from mgmt_ansible.control_plane.access import SESSION_COOKIE
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site

VIEWS = "/api/v2/savedViews/"
FAILED = {"page": "events", "name": "Failed", "query": "?health=failing&before=17&search="}


def headers_of(site: Site, name: str, **more: object) -> dict[str, str]:
    token = site.services.access.create_token(name=name, kind="user", role=Role.VIEWER, **more)
    return {"Authorization": f"Bearer {token.token}"}


def test_a_viewer_keeps_and_forgets_views(site: Site, user: TestClient):
    """Without where one was in the list; the same name again is the same view."""
    ann = headers_of(site, "ann2")

    saved = user.post(VIEWS, json=FAILED, headers=ann)
    again = user.post(VIEWS, json={**FAILED, "query": "health=warning"}, headers=ann).json()
    user.post(VIEWS, json={**FAILED, "page": "runs", "query": ""}, headers=ann)
    listed = user.get(f"{VIEWS}?page=events", headers=ann).json()["data"]

    assert (201, "health=failing", "/events?health=failing") == (
        saved.status_code,
        saved.json()["query"],
        saved.json()["address"],
    )
    assert [again] == listed
    assert (saved.json()["id"], "/events?health=warning") == (again["id"], again["address"])
    assert ["/events?health=warning", "/runs"] == [
        one["address"] for one in user.get(VIEWS, headers=ann).json()["data"]
    ]
    assert 204 == user.delete(f"{VIEWS}{again['id']}/", headers=ann).status_code
    assert 404 == user.delete(f"{VIEWS}{again['id']}/", headers=ann).status_code


def test_nobody_sees_or_forgets_the_views_of_another(site: Site, user: TestClient):
    """Not even an administrator: it does not exist for them."""
    saved = user.post(VIEWS, json=FAILED, headers=headers_of(site, "ann2")).json()

    assert [] == user.get(VIEWS).json()["data"]
    assert 404 == user.delete(f"{VIEWS}{saved['id']}/").status_code


def test_views_are_a_users_whatever_the_way_in(site: Site, user: TestClient):
    """By each token and each session; a token of nobody has its own, which end with it."""
    bob = site.services.users.create_user(api_v2.UserIn(name="bob", role=Role.VIEWER))
    one, other = (headers_of(site, name, user_id=bob.id) for name in ("laptop", "desk"))
    alone = site.services.access.create_token(name="wall", kind="user", role=Role.VIEWER)
    saved = user.post(VIEWS, json=FAILED, headers=one).json()
    site.services.saved_views.save(alone.id, api_v2_view("Wall"))

    session = site.services.access.token_login(other["Authorization"].removeprefix("Bearer "))

    assert [saved] == user.get(VIEWS, headers=other).json()["data"]
    assert "bob" == site.services.access.session(session).name.partition("/")[0]
    assert bob.id == site.services.access.session(session).key
    site.services.access.revoke(alone.id)
    assert [] == site.services.saved_views.list_views(alone.id).data


def api_v2_view(name: str) -> saved_views.SavedViewIn:
    return saved_views.SavedViewIn(page="deployments", name=name, query="")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("page", "users"),
        ("name", ""),
        ("name", "  "),
        ("name", "x" * 61),
        ("name", "a\x00b"),
        ("query", "a=<script>"),
        ("query", "x" * 4001),
        ("query", "&".join(["a=1"] * 101)),
        ("query", 'a="'),
    ],
)
def test_what_is_no_view_is_refused_by_its_field(user: TestClient, field: str, value: str):
    """Nothing of it can become an address elsewhere, or markup."""
    answer = user.post(VIEWS, json={**FAILED, field: value})

    assert 422 == answer.status_code
    assert field in answer.json()["message"]


def test_one_has_so_many_views_and_no_more(user: TestClient, monkeypatch: pytest.MonkeyPatch):
    """The message says what to do; one that is there can be changed still."""
    monkeypatch.setattr(saved_views, "MOST_VIEWS", 1)
    user.post(VIEWS, json=FAILED)

    refused = user.post(VIEWS, json={**FAILED, "name": "Another"})

    assert (409, True) == (refused.status_code, "forget one first" in refused.json()["message"])
    assert 201 == user.post(VIEWS, json=FAILED).status_code


def test_a_page_has_a_menu_of_the_views_of_whoever_looks(site: Site, app_browser: TestClient):
    """A form keeps the filters of the address, another forgets them; both lead back."""
    kept = app_browser.post("/views", data=FAILED, follow_redirects=False)
    text = app_browser.get("/events?health=failing&before=3").text
    forget = re.search(r'action="(/views/\w+/forget)"', text)[1]

    gone = app_browser.post(forget, data={"page": "events", "query": "health=failing"}, follow_redirects=False)

    assert (303, "/events?health=failing") == (kept.status_code, kept.headers["location"])
    assert 'href="/events?health=failing" data-view="health=failing" aria-current="true">Failed</a>' in text
    assert (303, "/events?health=failing") == (gone.status_code, gone.headers["location"])
    assert "Failed</a>" not in app_browser.get("/events").text
    assert 422 == app_browser.post("/views", data={**FAILED, "name": ""}).status_code
    assert 403 == app_browser.post("/views", data=FAILED, headers={"Sec-Fetch-Site": "cross-site"}).status_code


@pytest.fixture
def app_browser(site: Site, user: TestClient) -> TestClient:
    """A browser that is signed in by a viewer's token."""
    token = site.services.access.create_token(name="viewer", kind="user", role=Role.VIEWER)
    browser = TestClient(user.app, headers={"Sec-Fetch-Site": "same-origin"})
    browser.cookies.set(SESSION_COOKIE, site.services.access.token_login(token.token or ""))
    return browser
