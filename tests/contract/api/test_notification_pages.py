"""The pages of notifications over the control plane as it is: what they show, and who may change what."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.domain.event_groups import EventGroup
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import notifications as shapes
from tests.contract.store.notifying import Desk
from tests.contract.store.sites import Site

SECRET = "http://127.0.0.1:9/services/path-secret"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def desk(site: Site) -> Desk:
    return Desk(site)


@pytest.fixture
def browsers(site: Site) -> Iterator[dict[Role, TestClient]]:
    """A session of each role, as a browser sends it."""
    app = create_app(site.services, writes_per_second=0)
    access = site.services.access
    made: dict[Role, TestClient] = {}
    for role in Role:
        token = access.create_token(name=f"a-{role}", kind="user", role=role).token
        headers = {"Authorization": f"Bearer {token}", "sec-fetch-site": "same-origin"}
        made[role] = TestClient(app, headers=headers, follow_redirects=False)
    yield made
    site.services.wakeups.stop()


@pytest.fixture
def channel(site: Site) -> shapes.NotificationChannel:
    body = shapes.NotificationChannelIn(name=f"ops {HOSTILE}", channel_type="Slack", payload_url=SECRET)
    return site.services.notifications.channels.create_channel(body, actor="ann")


@pytest.fixture
def policy(site: Site, channel: shapes.NotificationChannel) -> shapes.NotificationPolicy:
    body = shapes.NotificationPolicyIn(name="outages", channel_id=channel.id, event_group=EventGroup.PROBLEMS)
    return site.services.notifications.policies.create_policy(body, actor="ann")


def sections(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_an_empty_page_teaches_the_commands(browsers: dict[Role, TestClient]):
    """What a channel and a policy are, and how one is made."""
    text = browsers[Role.VIEWER].get("/notifications").text

    assert "mgmt-ansible notification channel add" in text
    assert "mgmt-ansible notification policy add" in text
    assert '<form method="post" action="/notifications' not in text


def test_the_page_shows_what_was_told_and_no_secret(desk: Desk, browsers: dict[Role, TestClient], policy):
    """Names are text; one line leads to the whole delivery."""
    desk.happens()
    desk.dispatch()
    text = browsers[Role.VIEWER].get("/notifications").text
    (one,) = desk.log()
    detail = browsers[Role.VIEWER].get(f"/notifications/log/{one.id}").text

    assert {"outages", "Health is failing", "Pending", "http://127.0.0.1:9/********"} == {
        word
        for word in ("outages", "Health is failing", "Pending", "http://127.0.0.1:9/********")
        if word in sections(text)
    }
    assert "1 of 2 hosts serve" in detail
    assert "path-secret" not in text + detail
    assert HOSTILE not in text + detail
    assert 404 == browsers[Role.VIEWER].get("/notifications/log/gone").status_code


def test_the_log_is_filtered_in_the_address(desk: Desk, browsers: dict[Role, TestClient], policy):
    """What is no filter's value counts as not chosen."""
    desk.happens(deployment_id="d1")
    desk.happens(deployment_id="d2")
    desk.dispatch()
    viewer = browsers[Role.VIEWER]

    assert 1 == viewer.get("/notifications", params={"deployment": "d2"}).text.count('<tr id="log-')
    assert "Nothing fits these filters" in viewer.get("/notifications", params={"status": "failed"}).text
    assert 2 == viewer.get("/notifications", params={"status": "nonsense", "offset": "x"}).text.count('<tr id="log-')


def test_an_administrator_makes_a_channel_and_a_deployer_a_policy(site: Site, browsers: dict[Role, TestClient]):
    """By the forms; what does not fit is explained, without the secret."""
    admin, deployer = browsers[Role.ADMIN], browsers[Role.DEPLOYER]
    form = {"name": "ops", "type": "Webhook", "address": SECRET, "secret": "signing-secret"}
    assert 303 == admin.post("/notifications/channels", data=form).status_code
    refused = admin.post("/notifications/channels", data={**form, "address": "ftp://path-secret/"})
    assert (422, False) == (refused.status_code, "path-secret" in refused.text)
    (made,) = site.services.notifications.channels.list_channels().data
    form = {"name": "p", "channel": made.id, "group": "model_deployments.health", "every": "PT1H"}
    assert 303 == deployer.post("/notifications/policies", data=form).status_code
    (policy,) = site.services.notifications.policies.list_policies().data
    assert ("model_deployments.health", "PT1H", "a-deployer") == (
        policy.event_group,
        policy.maximal_frequency,
        policy.uid,
    )

    environment = {"environment": site.environment.id}
    site.create("d1", launch=False)
    assert 303 == deployer.post("/notifications/policies", data={**form, **environment, "name": "q"}).status_code
    asked = {**form, **environment, "deployment": " d1 ", "name": "r"}
    assert 303 == deployer.post("/notifications/policies", data=asked).status_code
    assert 404 == deployer.post("/notifications/policies", data={**asked, "deployment": "gone"}).status_code
    assert [("everything", "all"), ("predictionEnvironment", site.environment.id), ("deployment", "d1")] == [
        (one.related_entity_type, one.related_entity_id)
        for one in site.services.notifications.policies.list_policies().data
    ]
    assert f"environment {site.environment.name}" in sections(deployer.get("/notifications").text)

    assert 303 == deployer.post(f"/notifications/policies/{policy.id}/active", data={"active": "no"}).status_code
    assert not site.services.notifications.policies.get_policy(policy.id).active
    assert 403 == deployer.post("/notifications/channels", data=form).status_code


def test_an_operator_mutes_tests_and_sends_again(
    site: Site, desk: Desk, browsers: dict[Role, TestClient], channel, policy
):
    """And a viewer does not."""
    operator = browsers[Role.OPERATOR]
    assert 303 == operator.post("/notifications/mutes", data={"policy": policy.id, "hours": "2"}).status_code
    assert 422 == operator.post("/notifications/mutes", data={"hours": "soon"}).status_code
    assert "Muted" in operator.get("/notifications").text
    (mute,) = site.services.notifications.policies.list_mutes().data
    assert 303 == operator.post(f"/notifications/mutes/{mute.id}/delete").status_code
    tried = operator.post(f"/notifications/channels/{channel.id}/test")
    assert (200, True) == (tried.status_code, "did not take the test" in tried.text)
    desk.happens()
    desk.dispatch()
    (one,) = desk.log()
    again = operator.post(f"/notifications/log/{one.id}/resend")
    assert 303 == again.status_code
    assert "again" in operator.get(again.headers["location"]).text

    for path in (
        f"/notifications/channels/{channel.id}/test",
        f"/notifications/log/{one.id}/resend",
        "/notifications/mutes",
    ):
        assert 403 == browsers[Role.VIEWER].post(path).status_code
