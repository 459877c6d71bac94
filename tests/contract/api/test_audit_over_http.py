"""The audit over HTTP: each changing route leaves its entry, and the chain can be fetched and looked at."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.domain.audit import verify
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire.audit import AuditEntry
from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site


def newest(user: TestClient) -> dict:
    return user.get("/api/v2/auditEntries/", params={"limit": 1}).json()["data"][0]


@pytest.mark.parametrize(
    ("line", "body", "what"),
    [
        ("POST predictionEnvironments/", {"name": "new"}, "POST predictionEnvironments/"),
        ("PATCH deployments/d1/", {"label": "new"}, "PATCH deployments/{deployment_id}/"),
        ("POST deployments/d1/actions/", {"type": "deployment_stop"}, "POST deployments/{deployment_id}/actions/"),
        ("POST loginLinks/", None, "POST loginLinks/"),
        ("POST legalHolds/", {"deploymentId": "d1", "reason": "case"}, "POST legalHolds/"),
    ],
)
def test_a_change_leaves_an_entry_with_its_request(
    site: Site, user: TestClient, line: str, body: dict | None, what: str
):
    """Who, with which role, and the id that the answer had."""
    site.ready()
    method, _, path = line.partition(" ")

    answer = user.request(method, f"/api/v2/{path}", json=body)

    entry = newest(user)
    assert answer.status_code < 300, answer.text
    assert ("ann", "admin", what) == (entry["actor"], entry["role"], entry["action"])
    assert answer.headers["x-request-id"] == entry["requestId"]
    assert ("d1" in path or "deploymentId" in (body or {})) is (entry["targetId"] == "d1")


def test_what_is_refused_or_only_read_leaves_none(site: Site, callers: Callers):
    """Nothing was changed."""
    before = site.services.audit.head()

    callers.user.get("/api/v2/deployments/")
    callers.user.patch("/api/v2/deployments/gone/", json={"label": "x"})
    callers.nobody.post("/api/v2/loginLinks/")
    callers.agent.post("/agent/v1/reports", json={"reports": []})

    assert before == site.services.audit.head()


def test_signing_in_and_out_is_told_with_its_request(callers: Callers):
    """A page's own writes are no exception."""
    path = callers.user.post("/api/v2/loginLinks/").json()["path"]
    answer = callers.nobody.get(path)
    assert ("sign_in", answer.headers["x-request-id"]) == tuple(
        newest(callers.user)[name] for name in ("action", "requestId")
    )

    callers.nobody.post("/logout", headers={"Sec-Fetch-Site": "same-origin"})
    assert ("POST /logout", "ann") == tuple(newest(callers.user)[name] for name in ("action", "actor"))


def test_an_export_can_be_looked_at_elsewhere(site: Site, user: TestClient):
    """All of it, oldest first; the head is in a header."""
    for number in range(3):
        user.post("/api/v2/predictionEnvironments/", json={"name": f"e{number}"})

    answer = user.get("/api/v2/auditEntries/export/")

    entries = [AuditEntry.model_validate_json(line).to_domain() for line in answer.text.splitlines()]
    assert site.services.audit.head() == verify(entries, head=site.services.audit.head()).head
    assert entries[-1].hash == answer.headers["x-audit-head"]


def test_the_control_plane_looks_at_its_chain(user: TestClient):
    """And whether a hash that was kept is in it."""
    good = user.get("/api/v2/auditEntries/verification/").json()
    bad = user.get("/api/v2/auditEntries/verification/", params={"head": "f" * 64}).json()

    assert (True, None) == (good["whole"], good["brokenAt"])
    assert (False, True) == (bad["whole"], "kept" in bad["reason"])
    assert (
        good["whole"]
        is user.get("/api/v2/auditEntries/verification/", params={"head": good["headHash"]}).json()["whole"]
    )


@pytest.mark.parametrize(
    "query", ["head=xyz", "sequence=-1", "since=yesterday", "before=-5", "limit=0", "actor=" + "x" * 201]
)
def test_a_question_that_does_not_fit_is_refused(user: TestClient, query: str):
    """422."""
    path = "verification/" if query.startswith(("head", "sequence")) else ""
    assert 422 == user.get(f"/api/v2/auditEntries/{path}?{query}").status_code


def test_what_is_made_is_named_by_its_id(site: Site, user: TestClient):
    """Also what has no entry in the feed: channels, policies, mutes and webhooks."""
    channel = {"name": "ops", "channelType": "Webhook", "payloadUrl": "https://hooks.example/x?key=zebra"}
    channel_id = made_and_told(user, "entityNotificationChannels/", channel, "notification_channel")
    policy = {"name": "p", "channelId": channel_id, "eventGroup": "mgmt_ansible.problems"}
    policy_id = made_and_told(user, "entityNotificationPolicies/", policy, "notification_policy")
    made_and_told(user, "notificationPolicyMutes/", {"policyId": policy_id}, "notification_mute")
    hook = {"name": "registry", "kind": "mlflow", "predictionEnvironmentId": site.environment.id}
    made_and_told(user, "webhooks/", hook, "webhook")

    assert "zebra" not in user.get("/api/v2/auditEntries/export/").text


def made_and_told(user: TestClient, path: str, body: dict, kind: str) -> str:
    """Make something; the audit's newest entry is about it; return its id."""
    answer = user.post(f"/api/v2/{path}", json=body)
    assert 201 == answer.status_code, answer.text
    entry = newest(user)
    assert (kind, answer.json()["id"]) == (entry["targetKind"], entry["targetId"])
    return answer.json()["id"]


def test_what_a_role_may_not_is_told_once_a_minute_and_counted(site: Site, callers: Callers):
    """A flood cannot fill the audit; another route has its own entry, also one that refuses by the type of action."""
    site.ready()
    token = site.services.access.create_token(name="eve", kind="user", role=Role.OPERATOR).token
    eve = {"Authorization": f"Bearer {token}"}
    before = site.services.audit.head().sequence

    for _ in range(5):
        assert 403 == callers.nobody.delete("/api/v2/deployments/d1/", headers=eve).status_code
    body = {"type": "deployment_stop", "dryRun": False}
    stop = callers.nobody.post("/api/v2/deployments/d1/actions/", json=body, headers=eve)
    callers.nobody.get("/api/v2/users/", headers=eve)

    told = callers.user.get("/api/v2/auditEntries/", params={"outcome": "refused"}).json()["data"]
    assert 403 == stop.status_code
    assert before + 2 == site.services.audit.head().sequence
    assert [
        ("eve", "operator", "POST deployments/{deployment_id}/actions/"),
        ("eve", "operator", "DELETE deployments/{deployment_id}/"),
    ] == [(entry["actor"], entry["role"], entry["action"]) for entry in told]
    assert "d1" == told[1]["targetId"]
    assert ["role deployer" in entry["summary"] for entry in told] == [True, True]
    assert site.services.audit.verify().whole
