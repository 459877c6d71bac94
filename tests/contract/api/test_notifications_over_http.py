"""Channels, policies, mutes and the log over HTTP: shapes, refusals, and that no secret comes out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.domain.health import Health
from tests.contract.store.notifying import Desk
from tests.contract.store.sites import Site

CHANNELS = "/api/v2/entityNotificationChannels/"
POLICIES = "/api/v2/entityNotificationPolicies/"
MUTES = "/api/v2/notificationPolicyMutes/"
LOG = "/api/v2/notificationLogs/"
HOOK = {"name": "hook", "channelType": "Webhook", "payloadUrl": "http://127.0.0.1:9/x?key=query-secret", "secretToken": "signing-secret",
        "customHeaders": [{"name": "X-Key", "value": "header-secret"}]}  # fmt: skip
SECRETS = ("query-secret", "signing-secret", "header-secret")


def made(user: TestClient, path: str, body: dict) -> dict:
    answer = user.post(path, json=body)
    assert 201 == answer.status_code, answer.text
    return answer.json()


def of(path: str, thing: dict) -> str:
    return f"{path}{thing['relatedEntityType']}/{thing['relatedEntityId']}/{thing['id']}/"


def key_of(site: Site) -> Path:
    return site.services.notifications._options.key_file


@pytest.fixture
def channel(user: TestClient) -> dict:
    return made(user, CHANNELS, HOOK)


@pytest.fixture
def policy(user: TestClient, channel: dict) -> dict:
    body = {"name": "p", "channelId": channel["id"], "eventGroup": "mgmt_ansible.problems", "maximalFrequency": "PT1H"}
    return made(user, POLICIES, body)


def test_a_channel_is_made_shown_changed_and_deleted(user: TestClient, channel: dict):
    """In the vendor's paths; secrets are stars."""
    assert channel == user.get(of(CHANNELS, channel)).json()
    assert {"payloadUrl": "http://127.0.0.1:9/x?********", "secretToken": "********", "validateSsl": True} == {
        name: channel[name] for name in ("payloadUrl", "secretToken", "validateSsl")
    }
    assert [{"name": "X-Key", "value": "********"}] == channel["customHeaders"]
    changed = user.put(of(CHANNELS, channel), json={**channel, "name": "other", "validateSsl": False}).json()
    assert ("other", False, "********") == (changed["name"], changed["validateSsl"], changed["secretToken"])
    assert [changed] == user.get(CHANNELS).json()["data"] == user.get(f"{CHANNELS}everything/all/").json()["data"]

    assert 204 == user.delete(of(CHANNELS, channel)).status_code
    assert 404 == user.get(of(CHANNELS, channel)).status_code


def test_what_stars_stand_for_stays(site: Site, user: TestClient, channel: dict):
    """A client may send back what it was shown."""
    user.put(of(CHANNELS, channel), json=channel)
    with site.store.read() as tx:
        record = tx.deliveries.channel(channel["id"])
    address = site.services.notifications._sender.address(record.id, record.sealed)

    assert (HOOK["payloadUrl"], "signing-secret", {"X-Key": "header-secret"}) == (
        address.payload_url, address.secret_token, address.headers,
    )  # fmt: skip
    assert "secret" not in repr(address)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "secretToken"),
        ({"secretToken": "new"}, "customHeaders"),
        ({"secretToken": "********", "customHeaders": []}, "secretToken"),
        ({"secretToken": "new", "customHeaders": [{"name": "X-Key", "value": "********"}]}, "customHeaders"),
        ({"secretToken": "new", "customHeaders": [{"name": "x-key", "value": "new"}]}, None),
        ({"secretToken": "", "customHeaders": []}, None),
    ],
)
def test_another_address_does_not_get_what_was_entered_for_the_former(
    user: TestClient, channel: dict, change: dict, field: str | None
):
    """Nobody can read a secret by sending it to themselves: each is entered anew, or left out."""
    answer = user.put(of(CHANNELS, channel), json={"payloadUrl": "http://127.0.0.1:9/other", **change})

    assert (200 if field is None else 422) == answer.status_code
    assert field is None or answer.json()["message"].startswith(f"{field}: ")
    shown = user.get(of(CHANNELS, channel)).json()["payloadUrl"]
    assert ("http://127.0.0.1:9/other" if field is None else channel["payloadUrl"]) == shown


def test_stars_are_no_value_of_a_header_that_is_new(user: TestClient, channel: dict):
    """They would be sent as they stand there."""
    headers = [{"name": "X-KEY", "value": "********"}, {"name": "X-New", "value": "********"}]

    assert 200 == user.put(of(CHANNELS, channel), json={"customHeaders": headers[:1]}).status_code
    refused = user.put(of(CHANNELS, channel), json={"customHeaders": headers})

    assert (422, True) == (refused.status_code, "X-New" in refused.json()["message"])


def test_no_secret_is_in_an_answer_or_in_the_database(site: Site, user: TestClient, channel: dict, policy: dict):
    """The key lies beside it, for its owner only."""
    answers = [user.get(path).text for path in (CHANNELS, POLICIES, LOG, of(CHANNELS, channel))]
    path = site.store.path
    assert path is not None
    octets = b"".join(one.read_bytes() for one in path.parent.glob("control-plane.sqlite3*"))
    key = key_of(site)

    for secret in SECRETS:
        assert not any(secret in answer for answer in answers)
        assert secret.encode() not in octets
    assert 0o600 == key.stat().st_mode & 0o777


def test_another_key_is_told_by_a_failed_try_and_not_by_a_500(site: Site, user: TestClient, channel: dict):
    """The message names the file."""
    key_of(site).write_text("00" * 32)
    answer = user.post(of(CHANNELS, channel) + "test/")

    assert (200, False) == (answer.status_code, answer.json()["delivered"])
    assert "notifications.key is not the key" in answer.json()["response"]["body"]


def test_a_policy_is_made_changed_and_deleted(user: TestClient, channel: dict, policy: dict):
    """A channel in use stays."""
    assert ("mgmt_ansible.problems", None, "PT1H", True, "entity", False) == tuple(
        policy[name] for name in ("eventGroup", "eventType", "maximalFrequency", "active", "channelScope", "muted")
    )
    assert 422 == user.delete(of(CHANNELS, channel)).status_code
    change = {"eventType": "prediction_request.failed", "maximalFrequency": "", "active": False}
    changed = user.put(of(POLICIES, policy), json=change).json()
    assert (None, "prediction_request.failed", None, False) == (
        changed["eventGroup"], changed["eventType"], changed["maximalFrequency"], changed["active"],
    )  # fmt: skip
    assert 1 == user.get(of(CHANNELS, channel)).json()["policyCount"]

    assert 204 == user.delete(of(POLICIES, policy)).status_code
    assert 204 == user.delete(of(CHANNELS, channel)).status_code


def test_both_ways_to_write_what_it_is_for(site: Site, user: TestClient):
    """`Deployment` as the vendor's clients write it; another's path does not have it."""
    site.create("d1", launch=False)
    site.create("d2", launch=False)
    channel = made(user, CHANNELS, {**HOOK, "relatedEntityType": "DEPLOYMENT", "relatedEntityId": "d1"})

    assert "deployment" == channel["relatedEntityType"]
    assert 200 == user.get(f"{CHANNELS}Deployment/d1/{channel['id']}/").status_code
    assert 404 == user.get(f"{CHANNELS}deployment/d2/{channel['id']}/").status_code
    other = {"name": "p", "channelId": channel["id"], "eventGroup": "model_deployments.all"}
    for scope in ({}, {"relatedEntityType": "deployment", "relatedEntityId": "d2"}):
        refused = user.post(POLICIES, json={**other, **scope})
        assert (422, True) == (refused.status_code, "channelId" in refused.json()["message"])
    made(user, POLICIES, {**other, "relatedEntityType": "deployment", "relatedEntityId": "d1"})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"payloadUrl": None}, "payloadUrl"),
        ({"channelType": "Pigeon"}, "channelType"),
        ({"channelType": "Apprise"}, "appriseUrl"),
        ({"channelType": "Email", "emailAddress": "a@example.org"}, "channelType"),
        ({"name": "a\nb"}, "name"),
        ({"customHeaders": [{"name": "Host", "value": "x"}]}, "customHeaders"),
        ({"customHeaders": [{"name": "X-A", "value": "x\r\nX-B: y"}]}, "customHeaders"),
        ({"customHeaders": [{"name": "X-A: y\r\nX-B", "value": "x"}]}, "customHeaders"),
        ({"customHeaders": [{"name": "X-A", "value": "x"}, {"name": "x-a", "value": "y"}]}, "customHeaders"),
        ({"relatedEntityType": "deployment", "relatedEntityId": "gone"}, "gone"),
        ({"relatedEntityType": "galaxy"}, "relatedEntityType"),
        ({"secretToken": 7}, "secretToken"),
    ],
)
def test_a_channel_that_cannot_be_is_refused_by_its_field(user: TestClient, change: dict, field: str):
    """And what is secret in it is not said again."""
    answer = user.post(CHANNELS, json={**HOOK, **change})

    assert answer.status_code in (404, 422)
    assert field in answer.json()["message"]
    assert not any(secret in answer.text for secret in SECRETS)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"eventType": "x.y"}, "eventGroup"),
        ({"eventGroup": None}, "eventGroup"),
        ({"eventGroup": "model_deployments.none"}, "eventGroup"),
        ({"eventGroup": None, "eventType": "a b"}, "eventType"),
        ({"maximalFrequency": "1h"}, "maximalFrequency"),
        ({"maximalFrequency": "P1M"}, "maximalFrequency"),
        ({"channelId": "gone"}, "gone"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_its_field(user: TestClient, channel: dict, change: dict, field: str):
    """One trigger, a duration, a channel."""
    body = {"name": "p", "channelId": channel["id"], "eventGroup": "model_deployments.all", **change}
    answer = user.post(POLICIES, json=body)

    assert answer.status_code in (404, 422)
    assert field in answer.json()["message"]


def test_a_mute_holds_until_it_is_removed(site: Site, user: TestClient, policy: dict):
    """Of one that is over, or names no zone, or something unknown, nothing comes."""
    for body in ({"until": "2020-01-01T00:00:00Z"}, {"until": "2099-01-01T00:00:00"}, {"policyId": "gone"}):
        assert user.post(MUTES, json=body).status_code in (404, 422)
    mute = made(user, MUTES, {"policyId": policy["id"], "until": "2099-01-01T00:00:00Z", "reason": "upgrade"})
    assert [mute] == user.get(MUTES).json()["data"]
    assert user.get(of(POLICIES, policy)).json()["muted"]

    assert 204 == user.delete(f"{MUTES}{mute['id']}/").status_code
    assert [] == user.get(MUTES).json()["data"]


def test_the_log_is_filtered_and_sent_again(site: Site, user: TestClient, policy: dict):
    """What is sent again is a delivery of its own, of the same entry."""
    desk = Desk(site)
    desk.happens(count=2)
    desk.happens(Health.FAILING, "d2")
    desk.dispatch()
    held = user.get(LOG, params={"status": "held"}).json()["data"]
    assert (["d1"], 2, 1) == (
        [one["deploymentId"] for one in held],
        user.get(LOG, params={"deploymentId": "d1"}).json()["totalCount"],
        user.get(LOG, params={"policyId": policy["id"], "deploymentId": "d2"}).json()["totalCount"],
    )
    assert 422 == user.get(LOG, params={"status": "lost"}).status_code

    again = made(user, f"{LOG}{held[0]['id']}/resend/", {})

    assert (held[0]["id"], "pending", held[0]["eventSequence"]) == (
        again["parentNotificationId"], again["status"], again["eventSequence"],
    )  # fmt: skip
    assert again == user.get(f"{LOG}{again['id']}/").json()


def test_a_test_says_what_came_back(user: TestClient, channel: dict):
    """Here nobody listens."""
    answer = user.post(of(CHANNELS, channel) + "test/").json()

    assert not answer["delivered"]
    assert "refused" in answer["response"]["body"].lower()
    assert not any(secret in json.dumps(answer) for secret in SECRETS)
