"""Sessions: pages by a cookie, and nothing for other sites."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message

from mgmt_ansible.control_plane.access import SESSION_COOKIE
from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.control_plane.deployment_events import DeploymentEvents
from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site


@pytest.fixture
def browser(callers: Callers) -> TestClient:
    """Somebody who opened a login link."""
    path = callers.user.post("/api/v2/loginLinks/").json()["path"]
    assert 200 == callers.nobody.get(path).status_code
    return callers.nobody


def test_without_a_session_pages_lead_to_the_login(callers: Callers):
    """While programs are told 401."""
    answer = callers.nobody.get("/")

    assert (303, "/login") == (answer.status_code, answer.headers["location"])


def test_a_login_link_opens_the_pages(browser: TestClient):
    """And the API with the same session."""
    assert 200 == browser.get("/").status_code
    assert 200 == browser.get("/api/v2/deployments/").status_code


def test_the_cookie_is_for_this_site_only(callers: Callers):
    """No script reads it, no other site sends it."""
    path = callers.user.post("/api/v2/loginLinks/").json()["path"]

    cookie = callers.nobody.get(path).headers["set-cookie"]

    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://testserver"}, 201),
    ],
)
def test_a_change_with_a_session_must_come_from_our_pages(browser: TestClient, headers: dict[str, str], status: int):
    """Cross-site request forgery is refused before the route."""
    assert status == browser.post("/api/v2/loginLinks/", headers=headers).status_code


def test_an_unknown_session_is_none(callers: Callers):
    """Not an error page."""
    callers.nobody.cookies.set(SESSION_COOKIE, "guessed")

    assert 303 == callers.nobody.get("/").status_code


def test_a_wrong_token_beside_a_session_is_refused(browser: TestClient):
    """A header says who asks; the cookie does not help it."""
    assert 401 == browser.get("/api/v2/version/", headers={"Authorization": "Bearer wrong"}).status_code


def sign_out(site: Site, secret: str) -> None:
    site.services.access.sign_out(secret)


def revoke(site: Site, secret: str) -> None:
    site.services.access.revoke(site.services.access.authenticate(f"Bearer {secret}").token_id)


@pytest.mark.parametrize("path", ["/live", "/api/v2/deploymentEvents/stream/"])
@pytest.mark.parametrize("end", [sign_out, revoke])
def test_a_stream_ends_with_what_let_it_begin(site: Site, path: str, end: Callable[[Site, str], None]):
    """A session that was left, or a token that was revoked, hears no more."""
    feed = DeploymentEvents(site.store, site.services.wakeups, keep_alive_seconds=0)
    app = create_app(replace(site.services, deployment_events=feed))
    site.services.access.create_token(name="root", kind="user")
    token = site.services.access.create_token(name="ann", kind="user").token or ""
    secret = token if end is revoke else site.services.access.token_login(token)
    named = f"Bearer {token}" if end is revoke else f"{SESSION_COOKIE}={secret}"
    header = (b"authorization" if end is revoke else b"cookie", named.encode())
    told: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            told.append(message["status"])
            await asyncio.to_thread(end, site, secret)

    request = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        return next(request, None) or await asyncio.Event().wait()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"testserver"), header],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "state": {},
    }
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 60))

    assert [200] == told
