"""Every route: who may, and what wrong input meets."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane.api import create_app
from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site

SIGNED = ("/api/v2/webhooks/mlflow", "/api/v2/webhooks/generic")
"""Whoever signs needs no token, and learns nothing of which ids there are."""
PAGE = Path(__file__).parents[3] / "docs/reference/http-api.md"


@pytest.fixture(scope="module")
def routes(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Every (method, path) of the OpenAPI document."""
    folder = tmp_path_factory.mktemp("routes")
    shutil.copy(sqlite_template, folder / "x.sqlite3")
    site = Site(f"sqlite:///{folder}/x.sqlite3", folder)
    paths = create_app(site.services).openapi()["paths"]
    site.store.close()
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def filled(path: str, value: str = "gone") -> str:
    return re.sub(r"\{[^}]+\}", value, path)


def test_every_route_but_health_needs_a_token(routes: list[tuple[str, str]], callers: Callers):
    """401, with the shape of every error."""
    for method, path in routes:
        answer = callers.nobody.request(method, filled(path))
        if path in ("/healthz",):
            assert answer.status_code == 200
        else:
            assert ("access", 401) == (answer.json()["code"], answer.status_code), (method, path)
            assert answer.json()["requestId"]


def test_an_agents_token_opens_nothing_of_the_people(routes: list[tuple[str, str]], callers: Callers):
    """But versions and archives."""
    for method, path in routes:
        if path.startswith(("/agent/", "/healthz", "/api/v2/version", *SIGNED)) or path.endswith("/modelPackageFile/"):
            continue
        assert callers.agent.request(method, filled(path)).status_code == 403, (method, path)


def test_a_persons_token_opens_nothing_of_the_agents(routes: list[tuple[str, str]], callers: Callers):
    """Each has its own door."""
    for method, path in routes:
        if path.startswith("/agent/"):
            assert callers.user.request(method, filled(path)).status_code == 403, (method, path)


def test_an_unknown_id_is_not_found(site: Site, callers: Callers, routes: list[tuple[str, str]]):
    """The message names kind and id."""
    bodies = {
        "/model/": {"modelPackageId": site.package.id},
        "/status/": {"status": "inactive"},
        "/actions/": {"type": "deployment_stop"},
        "{alias}/": {"modelPackageId": "gone"},
        "/agentInvitations/": {"agentName": "edge"},
        "/validation/": {"modelPackageId": "gone"},
        "/tags/": {"name": "team", "value": "blue"},
        "/fromJSON/": {"data": []},
    }
    for method, path in routes:
        if "{" not in path or path.startswith(("/agent/", *SIGNED)):
            continue
        body = next((body for end, body in bodies.items() if path.endswith(end)), {})
        if path.endswith("{environment_id}/actions/"):
            body = {"type": "environment_status"}
        answer = callers.user.request(method, filled(path), json=None if method in ("GET", "DELETE") else body)
        assert (404, "not_found") == (answer.status_code, answer.json()["code"]), (method, path, answer.text)
        assert "gone" in answer.json()["message"]


@pytest.mark.parametrize("hostile", ["..%2f..%2fetc%2fpasswd", "%00", "%c0%ae%c0%ae", "a" * 5000, "%ed%a0%80", "'--"])
def test_a_hostile_id_is_not_found(routes: list[tuple[str, str]], callers: Callers, hostile: str):
    """Ids are never parts of paths."""
    for method, path in routes:
        if "{" in path and method == "GET":
            caller = callers.agent if path.startswith("/agent/") else callers.user
            assert caller.get(filled(path, hostile)).status_code == 404, path


def test_every_route_is_served_without_its_slash(routes: list[tuple[str, str]], callers: Callers):
    """And `/agent/v1` with one."""
    for method, path in routes:
        if method == "GET" and "{" not in path and "stream" not in path and path.startswith("/api/"):
            assert callers.user.get(path.rstrip("/")).status_code in (200, 422), path  # 422: it asks for a query
    assert callers.agent.post("/agent/v1/reports/", json={"reports": []}).status_code == 204


def test_every_route_is_on_its_page_and_the_other_way_round(routes: list[tuple[str, str]]):
    """docs/reference/http-api.md tells all."""
    page = PAGE.read_text()
    written = set()
    for line in page.splitlines():
        row = re.match(r"^\| ((?:`[^`]+`,? ?)+) ", line)
        for part in re.findall(r"`([^`]+)`", row.group(1)) if row else ():
            methods, _, path = part.rpartition(" ")
            if methods:
                written |= {
                    (method, re.sub(r"\{[^}]*\}", "{}", path.partition("?")[0]))
                    for method in re.findall(r"[A-Z]+", methods)
                }
    served = {
        (method, re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/api/v2/")))
        for method, path in routes
        if path.startswith("/api/v2/")
    }

    assert served == written


def test_every_answer_has_the_security_headers(callers: Callers):
    """Also errors, and the answers of the edge itself."""
    for answer in (
        callers.user.get("/api/v2/version/"),
        callers.nobody.get("/api/v2/version/"),
        callers.user.get("/api/v2/nothing/here/"),
        callers.user.post("/api/v2/loginLinks/", content=b"x" * 2_000_000),
    ):
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert ("nosniff", "no-referrer") == (
            answer.headers["x-content-type-options"],
            answer.headers["referrer-policy"],
        )
        assert answer.headers["x-request-id"]


def test_a_request_keeps_the_id_that_it_came_with(user: TestClient):
    """Unless it is not one."""
    assert "abc-1" == user.get("/api/v2/gone/", headers={"X-Request-Id": "abc-1"}).json()["requestId"]
    assert "a b" != user.get("/api/v2/gone/", headers={"X-Request-Id": "a b"}).json()["requestId"]


def test_health_needs_no_token_and_tells_a_dead_store(site: Site, callers: Callers, tmp_path):
    """200, or 503."""
    assert {"status": "ok"} == callers.nobody.get("/healthz").json()
    site.store.close()
    (tmp_path / "control-plane.sqlite3").write_bytes(b"not a database" * 100)
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"control-plane.sqlite3{suffix}").unlink(missing_ok=True)

    assert 503 == callers.nobody.get("/healthz").status_code


def test_metrics_tell_actions_events_and_agents(site: Site, user: TestClient):
    """In Prometheus' text format."""
    site.ready()

    text = user.get("/metrics").text

    assert 'mgmt_ansible_actions{status="succeeded",type="deployment_launch"} 1.0' in text
    assert 'mgmt_ansible_deployment_events_total{type="model_deployments.deployment_creation"} 1.0' in text
    assert 'mgmt_ansible_agent_last_seen_timestamp_seconds{agent="agent"}' in text


@pytest.mark.parametrize(
    "path", ["/events", "/runs", *(f"/api/v2/{of}/" for of in ("deploymentEvents", "runs", "auditEntries"))]
)
def test_a_time_at_the_end_of_the_calendar_is_one(callers: Callers, path: str):
    """Or is refused, where its zone would lead beyond: nothing is unavailable for that."""
    for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        for name in ("since", "until"):
            assert callers.user.get(path, params={name: time}).status_code in (200, 422), (name, time)
