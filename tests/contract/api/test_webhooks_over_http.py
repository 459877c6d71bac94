"""Inbound webhooks over HTTP: signed, fresh, once; hints that change nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.domain.actions import ActionType
from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site

PATH = "/api/v2/webhooks/"
NAMES = {
    "mlflow": ("X-MLflow-Delivery-Id", "X-MLflow-Timestamp", "X-MLflow-Signature"),
    "generic": ("webhook-id", "webhook-timestamp", "webhook-signature"),
}


def make(user: TestClient, site: Site, kind: str = "mlflow", name: str = "registry") -> dict:
    body = {"name": name, "kind": kind, "predictionEnvironmentId": site.environment.id}
    made = user.post(PATH, json=body)
    assert 201 == made.status_code, made.text
    return made.json()


def send(callers: Callers, site: Site, hook: dict, body: bytes, delivery_id: str = "d-1", **more: str):
    kind, secret = hook["kind"], hook["secret"]
    stamp = str(int(site.clock().timestamp()))
    key = secret.encode() if kind == "mlflow" else base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{delivery_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    told = (delivery_id, stamp, "v1," + base64.b64encode(mac).decode())
    headers = {**dict(zip(NAMES[kind], told, strict=True)), "Content-Type": "application/json", **more}
    return callers.nobody.post(hook["path"], content=body, headers=headers)


CREATED = {
    "entity": "model_version",
    "action": "created",
    "timestamp": "2026-11-01T00:00:00Z",
    "data": {"name": "fraud", "version": "7", "source": "{{ lookup('pipe', 'id') }}"},
}


@pytest.mark.parametrize("kind", ["mlflow", "generic"])
def test_a_signed_delivery_is_an_entry_of_the_feed(site: Site, callers: Callers, kind: str):
    """Without a token; nothing else follows."""
    hook = make(callers.user, site, kind)

    answer = send(callers, site, hook, json.dumps(CREATED).encode())

    assert (202, {"message"}) == (answer.status_code, set(answer.json()))
    entry = callers.user.get("/api/v2/deploymentEvents/").json()["data"][0]
    assert (
        "mgmt_ansible.webhook_received",
        "info",
        "Webhook registry",
        "model_version created",
        "webhook:registry",
    ) == (
        entry["type"],
        entry["statusType"],
        entry["title"],
        entry["message"],
        entry["actor"],
    )
    assert CREATED == entry["data"]["told"]
    assert 0 == callers.user.get("/api/v2/actions/").json()["totalCount"]
    assert callers.user.get(PATH).json()["data"][0]["lastReceivedAt"]


def test_what_a_delivery_calls_a_secret_is_not_kept(site: Site, callers: Callers):
    """A key that names one hides its value, however deep."""
    hook = make(callers.user, site)
    body = {"type": "x", "data": [{"access_token": "zebra-1", "n": 1}], "password": {"is": "zebra-2"}}

    send(callers, site, hook, json.dumps(body).encode())

    told = callers.user.get("/api/v2/deploymentEvents/").json()["data"][0]["data"]["told"]
    assert {"type": "x", "data": [{"access_token": "[redacted]", "n": 1}], "password": "[redacted]"} == told


def test_a_delivery_is_taken_once(site: Site, callers: Callers):
    """A second time it is refused, whatever the time; another id is another delivery."""
    hook = make(callers.user, site)
    body = json.dumps(CREATED).encode()

    assert [202, 409, 202] == [send(callers, site, hook, body, one).status_code for one in ("a", "a", "b")]
    site.clock.pass_seconds(200)
    assert 409 == send(callers, site, hook, body, "a").status_code


def test_a_delivery_that_is_not_ours_is_refused(site: Site, callers: Callers):
    """One answer for an unknown webhook, another kind, and a wrong signature; nothing is told in the feed."""
    hook = make(callers.user, site)
    other = make(callers.user, site, name="other")
    before = callers.user.get("/api/v2/deploymentEvents/").json()["totalCount"]

    for wrong in (
        {**hook, "secret": other["secret"]},
        {**hook, "path": f"{PATH}mlflow/gone/"},
        {**hook, "path": hook["path"].replace("mlflow", "generic")},
    ):
        answer = send(callers, site, wrong, b"{}")
        assert (401, "access") == (answer.status_code, answer.json()["code"])
    assert 401 == callers.nobody.post(hook["path"], content=b"{}").status_code
    late = send(callers, site, hook, b"{}", **{"X-MLflow-Timestamp": "1"})
    assert (401, True) == (late.status_code, "300 s" in late.json()["message"])
    assert before == callers.user.get("/api/v2/deploymentEvents/").json()["totalCount"]


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"{", b"\xff", b'{"a":' + b"1" * 300_000 + b"}", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(site: Site, callers: Callers, body: bytes):
    """Even when it is signed."""
    assert send(callers, site, make(callers.user, site), body).status_code in (400, 422)


def test_a_secret_is_told_once_and_is_in_no_database(site: Site, callers: Callers, tmp_path):
    """It is made from the webhook's id and a key beside the database."""
    hook = make(callers.user, site)
    secret = hook["secret"]

    assert secret.startswith("whsec_")
    assert None is callers.user.get(PATH).json()["data"][0]["secret"]
    assert 0o600 == (tmp_path / "webhooks.key").stat().st_mode & 0o777
    for file in tmp_path.glob("control-plane.sqlite3*"):
        assert secret.encode() not in file.read_bytes()


def test_webhooks_are_named_listed_and_deleted(site: Site, callers: Callers):
    """What is deleted is not believed any more."""
    hook = make(callers.user, site)
    body = {"name": "registry", "kind": "generic", "predictionEnvironmentId": site.environment.id}

    assert 409 == callers.user.post(PATH, json=body).status_code
    assert 404 == callers.user.post(PATH, json={**body, "name": "x", "predictionEnvironmentId": "gone"}).status_code
    assert 422 == callers.user.post(PATH, json={**body, "name": "x", "kind": "smoke"}).status_code
    assert [204, 404] == [callers.user.delete(f"{PATH}{hook['id']}/").status_code for _ in range(2)]
    assert 401 == send(callers, site, hook, b"{}").status_code


def test_a_hint_wakes_and_changes_nothing(site: Site, callers: Callers):
    """What waits for an agent waits on; what it says is data."""
    site.ready()
    asked = site.act(ActionType.DEPLOYMENT_STATUS)
    hook = make(callers.user, site)
    send(callers, site, hook, json.dumps({"type": "deployment_stop", "deployment_id": "d1"}).encode())

    assert asked == site.take().spec.id
    assert "ready" == site.deployment().state
