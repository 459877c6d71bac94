"""Floods: too much at once, too large, with hostile ids on every route; refused quickly, and never a 5xx."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.control_plane.api.edge import BodyLimit
from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site

HOSTILE_IDS = (
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f",
    "%c0%ae%c0%ae%2f",
    "%00",
    "%2fetc%2fpasswd",
    "a%0d%0aX: y",
    "%ed%a0%80",
    "a" * 5000,
    "'--",
    "{{7*7}}",
    "%25s%25n",
    "9" * 40,
)
HOSTILE_BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"[" * 100_000,
    b'{"a": NaN}',
    b'{"id": 1, "id": 2}',
    b'{"type": {"$ne": null}}',
    b'{"name": "\\u0000", "label": "\\ud800", "attempt": 1e999}',
    b'{"attempt": 99999999999999999999, "name": "x", "type": "deployment_stop", "status": "inactive"}',
    b"\xff\xfe\x00",
)


@pytest.fixture
def slow(site: Site, still_buckets: None) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """An application that lets each token write ten times, as no time passes; the client is a person, the headers an agent."""
    access = site.services.access
    user = access.create_token(name="ann", kind="user").token
    agent = access.create_token(name="a", kind="agent", environment_ids=[site.environment.id]).token
    app = create_app(site.services, writes_per_second=1)
    with TestClient(app, headers={"Authorization": f"Bearer {user}"}) as client:
        yield client, {"Authorization": f"Bearer {agent}"}
    site.services.wakeups.stop()


def test_a_token_that_writes_too_often_is_told_when_to_come_again(slow: tuple[TestClient, dict[str, str]]):
    """Others, and reading, go on."""
    people, agent = slow
    answers = [people.post("/api/v2/loginLinks/") for _ in range(40)]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert "too_many_requests" == refused[0].json()["code"]
    assert int(refused[0].headers["retry-after"]) >= 1
    assert 200 == people.get("/api/v2/deployments/").status_code
    assert 204 == people.post("/agent/v1/reports", json={"reports": []}, headers=agent).status_code


def test_a_flood_of_reports_never_stops_heartbeats_and_claims(slow: tuple[TestClient, dict[str, str]], site: Site):
    """Reports wait in the agent's spool; the claim that they are about stays alive."""
    people, agent = slow
    site.create()
    body = {"instance_id": "i", "environment_ids": [site.environment.id]}
    claim = people.post("/agent/v1/claims", json=body, headers=agent).json()

    statuses = {people.post("/agent/v1/reports", json={"reports": []}, headers=agent).status_code for _ in range(40)}

    assert {204, 429} == statuses
    heartbeat = f"/agent/v1/actions/{claim['spec']['id']}/heartbeat"
    for _ in range(20):
        assert 200 == people.post(heartbeat, json={"attempt": 1}, headers=agent).status_code


def test_a_body_of_three_megabytes_is_refused_unread():
    """By what it says of its length: not a byte of it is asked for."""
    answered: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        answered.append(message)

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the route was reached")

    headers = [(b"content-length", b"3000000")]
    scope = {"type": "http", "method": "POST", "path": "/api/v2/deployments/", "headers": headers, "state": {}}
    asyncio.run(BodyLimit(route, max_bytes=1_000_000)(scope, receive, send))

    assert 413 == answered[0]["status"]


def routes(callers: Callers) -> list[tuple[str, str]]:
    paths = callers.user.get("/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def answers(callers: Callers, ids: tuple[str, ...], bodies: tuple[bytes | None, ...]) -> Iterator[tuple[object, ...]]:
    """Ask every route with every id and body; streams, which do not end, are left out."""
    for method, path in routes(callers):
        if path.endswith("/stream/"):
            continue
        caller = callers.agent if path.startswith("/agent/") else callers.user
        for text in ids if "{" in path else ids[:1]:
            for body in bodies if method not in ("GET", "DELETE") else bodies[:1]:
                filled = re.sub(r"\{[^}]+\}", lambda _, text=text: text, path)
                headers = {"Content-Type": "application/json"}
                answer = caller.request(method, filled, content=body, headers=headers)
                yield method, filled[:80], (body or b"")[:40], answer.status_code, answer.text


@pytest.mark.parametrize(
    ("ids", "bodies"), [(HOSTILE_IDS, (b"{}",)), (("gone",), HOSTILE_BODIES)], ids=["ids", "bodies"]
)
def test_no_route_breaks(callers: Callers, ids: tuple[str, ...], bodies: tuple[bytes, ...]):
    """Whatever comes: no 5xx, no traceback."""
    found = list(answers(callers, ids, bodies))

    assert [] == [one[:4] for one in found if one[3] >= 500 or "Traceback" in one[4]]
    assert len(found) > 100
