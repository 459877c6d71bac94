"""`/install/` and invitations: what a new agent gets, once."""

from __future__ import annotations

import hashlib
import shlex

import pytest
import yaml
from fastapi.testclient import TestClient

from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site


def invite(site: Site, user: TestClient, name: str = "edge-1", **more: object) -> dict:
    path = f"/api/v2/predictionEnvironments/{site.environment.id}/agentInvitations/"
    answer = user.post(path, json={"agentName": name, **more})
    assert 201 == answer.status_code, answer.text
    return answer.json()


def test_a_code_becomes_a_token_of_that_environment(site: Site, callers: Callers):
    """Without any other token; whoever has it may claim there."""
    made = invite(site, callers.user)

    answer = callers.nobody.post("/install/agent", json={"code": made["code"]})

    enrolled = answer.json()
    assert (201, "edge-1", "prod") == (answer.status_code, enrolled["agentName"], enrolled["predictionEnvironmentName"])
    principal = site.services.access.authenticate(f"Bearer {enrolled['token']}")
    assert ("agent", (site.environment.id,)) == (principal.kind, tuple(principal.environment_ids))


def test_who_invited_and_who_came_is_in_the_audit(site: Site, callers: Callers):
    """The code is not."""
    code = invite(site, callers.user)["code"]
    callers.nobody.post("/install/agent", json={"code": code})

    told = [(entry.actor, entry.action, entry.target_id) for entry in site.services.audit.entries()]
    invited = ("ann", "POST predictionEnvironments/{environment_id}/agentInvitations/", "edge-1")
    assert [invited, ("agent:edge-1", "enroll_agent", "edge-1")] == [one for one in told if one[2] == "edge-1"]
    assert code not in str(list(site.services.audit.entries()))


def test_a_code_is_good_once(site: Site, callers: Callers):
    """Who comes second is told what to do."""
    code = invite(site, callers.user)["code"]
    callers.nobody.post("/install/agent", json={"code": code})

    again = callers.nobody.post("/install/agent", json={"code": code})

    assert (401, "access", True) == (again.status_code, again.json()["code"], "make another" in again.json()["message"])


def test_a_wrong_code_waits_for_no_writer(site: Site, callers: Callers):
    """Nor does it hold one up: whoever asks needs no token."""
    with site.store.write():
        answer = callers.nobody.post("/install/agent", json={"code": "guessed"})

    assert (401, "access") == (answer.status_code, answer.json()["code"])


def test_a_code_grows_old(site: Site, callers: Callers):
    """After a quarter of an hour."""
    code = invite(site, callers.user)["code"]
    site.clock.pass_seconds(15 * 60)

    assert 401 == callers.nobody.post("/install/agent", json={"code": code}).status_code


def test_the_lines_name_a_wheel_that_is_there(site: Site, callers: Callers):
    """Its checksum is the one that pip will compare."""
    made = invite(site, callers.user, controlPlaneUrl="https://mlops.example/base/")
    install = shlex.split(made["commands"][1])
    name = made["wheelUrl"].rpartition("/")[2]

    wheel = callers.nobody.get(f"/install/wheels/{name}")

    assert made["wheelSha256"] == hashlib.sha256(wheel.content).hexdigest()
    assert f"mgmt-ansible @ {made['wheelUrl']}#sha256={made['wheelSha256']}" == install[-1]
    assert made["wheelUrl"].startswith("https://mlops.example/base/install/wheels/")
    assert "ansible-core==" in callers.nobody.get("/install/constraints.txt").text


def test_the_configuration_names_url_and_environment_and_no_secret(site: Site, callers: Callers):
    """The token is in a file of its own, which the code brings."""
    made = invite(site, callers.user)

    said = yaml.safe_load(made["configuration"])
    assert ("http://testserver", "agent.token") == (said["control_plane"]["url"], said["control_plane"]["token_file"])
    assert [site.environment.id] == [one["id"] for one in said["environments"]]
    assert made["code"] not in made["configuration"] + "".join(made["commands"])


def test_a_name_that_is_taken_is_refused_at_once(site: Site, callers: Callers):
    """Not only on the agent's machine."""
    path = f"/api/v2/predictionEnvironments/{site.environment.id}/agentInvitations/"

    assert 409 == callers.user.post(path, json={"agentName": "agent"}).status_code


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"agentName": ""},
        {"agentName": "a;b"},
        {"agentName": "a" * 129},
        {"agentName": "a", "controlPlaneUrl": "file:///etc/passwd"},
        {"agentName": "a", "controlPlaneUrl": "http://x/' && rm -rf /"},
        {"agentName": "a", "controlPlaneUrl": "http://x/#y"},
    ],
)
def test_a_wrong_invitation_is_refused(site: Site, callers: Callers, body: dict):
    """Nothing of it reaches a command line."""
    path = f"/api/v2/predictionEnvironments/{site.environment.id}/agentInvitations/"

    assert 422 == callers.user.post(path, json=body).status_code


@pytest.mark.parametrize(
    "body", ["", "[]", '{"code": ""}', '{"code": 1}', '{"code": "' + "x" * 300 + '"}', "[" * 100_000]
)
def test_a_hostile_enrollment_is_refused(callers: Callers, body: str):
    """Never a 500."""
    answer = callers.nobody.post("/install/agent", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 401, 422)


def test_nothing_else_is_open(callers: Callers):
    """Neither another file nor another path."""
    assert 404 == callers.nobody.get("/install/wheels/other.whl").status_code
    assert 401 == callers.nobody.get("/install/else").status_code
    for path in ("/install/wheels/..%2f..%2fetc%2fpasswd", "/install/wheels/%00"):
        assert callers.nobody.get(path).status_code in (401, 404), path
