"""Scopes: of two environments with all that there is, whoever is for one sees nothing of the other, by any route."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane.accepting import Asker
from mgmt_ansible.control_plane.access import SESSION_COOKIE
from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.control_plane.api.permissions import PERMISSIONS
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.reports import HostsReport
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import notifications as notices
from mgmt_ansible.wire import retention as retention_shapes
from mgmt_ansible.wire.monitoring import RemoteEventIn
from mgmt_ansible.wire.tags import EntityType, KeyValueIn, TagIn
from tests.contract.store.sites import Site

SECRET = "zebra"
"""In every name of the environment out of scope."""
READING = sorted(
    path
    for (method, path), permission in PERMISSIONS.items()
    if method == "GET"
    and permission.role is not None
    and Role.DEPLOYER.covers(permission.role)
    and not path.endswith(("/archive", "/modelPackageFile/"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """A site with two environments.

    Attributes:
        ids: Kind of id in paths -> one that is out of scope.
        known: Every id out of scope.
        scoped: A deployer who is for the environment `prod`.
        everywhere: One without a scope.
    """

    site: Site
    ids: dict[str, str]
    known: frozenset[str]
    scoped: TestClient
    everywhere: TestClient


@pytest.fixture(scope="module")
def two(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("scopes")
    shutil.copy(sqlite_template, folder / "x.sqlite3")
    site = Site(f"sqlite:///{folder}/x.sqlite3", folder)
    ids = fill(site)
    site.services.wakeups.stop()
    app = create_app(site.services, writes_per_second=0)
    create = site.services.access.create_token
    scoped = create(name="bob", kind="user", role=Role.DEPLOYER, environment_ids=[site.environment.id]).token
    everywhere = create(name="ann", kind="user", role=Role.DEPLOYER).token
    clients = [
        TestClient(app, headers={"Authorization": f"Bearer {token}"}, follow_redirects=False)
        for token in (scoped, everywhere)
    ]
    known = frozenset(ids.values()) - {ids["related_entity_type"]}
    yield Two(site=site, ids=ids, known=known, scoped=clients[0], everywhere=clients[1])
    site.store.close()


def fill(site: Site) -> dict[str, str]:
    """Do everything in `prod`, and everything in another environment too; return ids of the latter."""
    hidden = site.add_environment(f"{SECRET} environment")
    agent = site.add_agent(f"{SECRET}-agent", hidden.id)
    site.ready("d1")
    run_in(site, site.agent, site.environment.id, "h1")
    body = api_v2.DeploymentIn(
        model_package_id=site.package.id,
        label=f"{SECRET} label",
        prediction_environment_id=hidden.id,
        deployment_id=f"{SECRET}-1",
    )
    accepted = site.services.deployments.create(body, Asker(actor=f"{SECRET}-person"))
    run_id = run_in(site, agent, hidden.id, f"{SECRET}-host")
    hold = retention_shapes.LegalHoldIn(deployment_id=f"{SECRET}-1", reason=f"{SECRET} reason")
    site.services.retention.place_hold(hold, actor="ann")
    site.services.access.create_token(
        name=f"{SECRET}-person", kind="user", role=Role.VIEWER, environment_ids=[hidden.id]
    )
    site.add_agent("of-both", site.environment.id, hidden.id)
    return {
        "environment_id": hidden.id,
        "deployment_id": f"{SECRET}-1",
        "action_id": accepted.action_id or "",
        "run_id": run_id,
        **told_and_written(site, hidden.id),
    }


def told_and_written(site: Site, environment_id: str) -> dict[str, str]:
    """Notify of an environment, hold back, and write on it; return ids."""
    within = {"related_entity_type": "predictionEnvironment", "related_entity_id": environment_id}
    channel = site.services.notifications.channels.create_channel(
        notices.NotificationChannelIn(
            name=f"{SECRET} channel", channel_type="Webhook", payload_url=f"https://{SECRET}.example", **within
        ),
        actor="ann",
    )
    policies = site.services.notifications.policies
    policy = policies.create_policy(
        notices.NotificationPolicyIn(
            name=f"{SECRET} policy", channel_id=channel.id, event_group="mgmt_ansible.everything", **within
        ),
        actor="ann",
    )
    mutes = [
        policies.mute(notices.NotificationMuteIn(reason=SECRET, **what), actor="ann")
        for what in ({"policy_id": policy.id}, {"deployment_id": f"{SECRET}-1"}, {})
    ]
    site.services.monitoring.report(
        RemoteEventIn(
            event_type="prediction_request.failed", deployment_id=f"{SECRET}-1", title=SECRET, timestamp=site.clock()
        ),
        monitor=SECRET,
    )
    site.services.notifications.dispatcher().dispatch()
    delivery = site.services.notifications.log.list_log().data[0]
    tag = site.services.tagging.add_tag(EntityType.DEPLOYMENT, f"{SECRET}-1", TagIn(name=SECRET, value=SECRET))
    key = KeyValueIn(
        entity_id=environment_id, entity_type="predictionEnvironment", name=SECRET, category="metric",
        value_type="string", value=SECRET,
    )  # fmt: skip
    return {
        "channel_id": channel.id,
        "policy_id": policy.id,
        "mute_id": mutes[0].id,
        "notification_id": delivery.id,
        "tag_id": tag.id,
        "key_value_id": site.services.tagging.add_key_value(key, actor="ann").id,
        "related_entity_type": "predictionEnvironment",
        "related_entity_id": environment_id,
    }


def run_in(site: Site, agent, environment_id: str, host: str) -> str:
    """Let an agent do what is next, and tell of its hosts."""
    inventory = HostsReport(
        id=f"inventory-{host}",
        environment_id=environment_id,
        hosts=(InventoryHost(name=host, groups=("all",)),),
        taken_at=site.clock(),
    )
    site.services.agents.report(agent, [inventory])
    site.clock.pass_seconds(61)
    claim = site.claim(agent)
    assert claim is not None
    run = f"run-of-{host}"
    site.services.agents.report(agent, [site.run_report(claim, run), site.result(claim)])
    return run


@pytest.mark.parametrize("path", [path for path in READING if "{" not in path])
def test_no_list_tells_of_what_is_out_of_scope(two: Two, path: str):
    """No name, no id; counts are of what is seen. Streams, exports, pages and metrics too."""
    headers = {"Last-Event-ID": "0"} if "stream" in path else {}

    text = two.scoped.get(path, headers=headers).text

    assert SECRET not in text
    assert [] == [one for one in two.known if one in text]


@pytest.mark.parametrize(
    "path",
    [path for path in READING if re.search(r"\{(environment|deployment|action|run|notification|key_value)_id", path)],
)
def test_what_is_out_of_scope_does_not_exist(two: Two, path: str):
    """404, and the same words as for what never was."""
    filled = re.sub(r"\{(\w+)\}", lambda found: two.ids.get(found[1], "gone"), path)
    nothing = re.sub(r"\{(\w+)\}", lambda found: "gone" if found[1] in two.ids else found[0], path)
    nothing = re.sub(r"\{\w+\}", "gone", nothing)

    hidden, gone = two.scoped.get(filled), two.scoped.get(nothing)

    assert gone.status_code == hidden.status_code
    assert 404 == gone.status_code or path.endswith("/log/find")  # which says 200: nothing was asked for
    assert SECRET not in without(two.known, hidden.text)
    if path.startswith("/api/"):
        assert gone.json()["message"] == without(two.known, hidden.json()["message"])


def without(ids: frozenset[str], text: str) -> str:
    """Return a text that says `gone` wherever it says an id."""
    for one in ids:
        text = text.replace(one, "gone")
    return text


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("PATCH deployments/{deployment_id}/", {"label": "x"}),
        ("DELETE deployments/{deployment_id}/", None),
        ("PATCH deployments/{deployment_id}/model/", {"modelPackageId": "PACKAGE"}),
        ("PATCH deployments/{deployment_id}/status/", {"status": "inactive"}),
        ("POST deployments/{deployment_id}/actions/", {"type": "deployment_relaunch"}),
        ("POST actions/{action_id}/cancel/", {}),
        ("POST predictionEnvironments/{environment_id}/actions/", {"type": "environment_status"}),
        (
            "POST deployments/fromModelPackage/",
            {"modelPackageId": "PACKAGE", "label": "x", "predictionEnvironmentId": "{environment_id}"},
        ),
    ],
)
def test_nothing_out_of_scope_can_be_touched(two: Two, line: str, body: dict | None):
    """404, and nothing has changed."""
    method, _, path = line.partition(" ")
    values = {"PACKAGE": two.site.package.id, "{environment_id}": two.ids["environment_id"]}
    sent = body and {name: values.get(value, value) for name, value in body.items()}
    before = two.site.deployment(two.ids["deployment_id"])

    answer = two.scoped.request(method, f"/api/v2/{path.format(**two.ids)}", json=sent)

    assert 404 == answer.status_code, answer.text
    assert before == two.site.deployment(two.ids["deployment_id"])


def test_what_is_in_scope_is_seen_and_counted_alone(two: Two):
    """The other half of the matter."""
    count = {
        path: two.scoped.get(f"/api/v2/{path}").json()["totalCount"] for path in ("deployments/", "runs/", "agents/")
    }
    everywhere = {path: two.everywhere.get(f"/api/v2/{path}").json()["totalCount"] for path in count}

    assert {"deployments/": 1, "runs/": 1, "agents/": 2} == count
    assert {"deployments/": 2, "runs/": 2, "agents/": 3} == everywhere
    assert [[two.site.environment.id]] * 2 == [
        one["environmentIds"] for one in two.scoped.get("/api/v2/agents/").json()["data"]
    ]
    assert two.scoped.get("/api/v2/deployments/d1/").json()["currentAction"] is not None


@pytest.mark.parametrize("search", [SECRET, f"{SECRET} label", "launch"])
def test_a_search_finds_nothing_out_of_scope(two: Two, search: str):
    """By words, which have an index of their own."""
    found = two.scoped.get("/api/v2/deploymentEvents/", params={"search": search}).json()

    assert SECRET not in str(found["data"])
    assert (search == "launch") is bool(found["data"])
    assert len(found["data"]) == found["totalCount"]


def test_a_session_has_the_scope_of_its_user(two: Two):
    """Pages too."""
    user = api_v2.UserIn(
        name="carl", role=Role.VIEWER, password="correct horse battery",
        prediction_environment_ids=[two.site.environment.id],
    )  # fmt: skip
    two.site.services.users.create_user(user)
    cookie = two.site.services.sign_ins.with_password("carl", "correct horse battery", address="x")
    browser = TestClient(two.scoped.app, cookies={SESSION_COOKIE: cookie}, follow_redirects=False)

    page = browser.get("/")

    assert 200 == page.status_code
    assert "Label of d1" in page.text
    assert SECRET not in page.text


def test_an_administrator_is_for_all(two: Two):
    """422; a scope is for lesser roles."""
    admin = two.site.services.access.create_token(name="root", kind="user").token
    body = {"name": "dan", "role": "admin", "predictionEnvironmentIds": [two.site.environment.id]}

    answer = two.scoped.post("/api/v2/users/", json=body, headers={"Authorization": f"Bearer {admin}"})

    assert (422, True) == (answer.status_code, "predictionEnvironmentIds" in answer.json()["message"])


def test_only_who_sees_the_deployment_shares_it(two: Two):
    """Tokens for other environments are not told, neither here nor there; those for all are."""
    mine = two.scoped.get("/api/v2/deployments/d1/sharedRoles/").json()["data"]
    hidden = two.everywhere.get(f"/api/v2/deployments/{two.ids['deployment_id']}/sharedRoles/").json()["data"]

    assert {"bob", "ann"} == {one["name"] for one in mine} - {"root"}
    assert {f"{SECRET}-person", "ann"} == {one["name"] for one in hidden} - {"root"}


def test_nobody_mutes_what_they_do_not_see(two: Two):
    """All is 403, what is hidden 404; their own they may, and may end."""
    policies = two.site.services.notifications.policies
    before = policies.list_mutes().total_count
    hidden = [{}, {"policyId": two.ids["policy_id"]}, {"deploymentId": two.ids["deployment_id"]}]

    answers = [two.scoped.post("/api/v2/notificationPolicyMutes/", json=body).status_code for body in hidden]
    ended = two.scoped.delete(f"/api/v2/notificationPolicyMutes/{two.ids['mute_id']}/")
    mine = two.scoped.post("/api/v2/notificationPolicyMutes/", json={"deploymentId": "d1"})

    assert [403, 404, 404] == answers
    assert 404 == ended.status_code
    assert before + 1 == policies.list_mutes().total_count
    assert 204 == two.scoped.delete(f"/api/v2/notificationPolicyMutes/{mine.json()['id']}/").status_code


def test_a_package_that_others_use_is_neither_deleted_nor_archived(two: Two):
    """422, as for one's own: whether it is in use does not depend on who asks."""
    package = two.site.add_package("theirs", "1")
    body = api_v2.DeploymentIn(
        model_package_id=package.id,
        label="x",
        prediction_environment_id=two.ids["environment_id"],
        deployment_id=f"{SECRET}-2",
        launch=False,
    )
    two.site.services.deployments.create(body, Asker(actor="ann"))
    path = f"/api/v2/modelPackages/{package.id}/"

    answers = [two.scoped.delete(path), two.scoped.post(f"{path}archive/", json={})]
    two.site.services.deployments.delete(f"{SECRET}-2", Asker(actor="ann"), ignore_management_agent=True)

    assert [422, 422] == [answer.status_code for answer in answers]
    assert SECRET not in answers[0].text
    assert not two.site.services.registry.get_package(package.id).is_archived


def test_nobody_moves_aliases_of_what_serves_where_they_do_not_see(two: Two):
    """403 for another place of the name, another name, and none; models of their own they may."""
    packages = (two.site.package, two.site.add_package("mine", "1"))
    paths = [f"/api/v2/registeredModels/{package.registered_model_id}/" for package in packages]
    asked = [
        (f"{path}aliases/champion/", {"modelPackageId": package.id})
        for path, package in zip(paths, packages, strict=True)
    ]
    two.everywhere.put(asked[0][0], json=asked[0][1])

    answers = [two.scoped.put(path, json=body).status_code for path, body in asked]
    removed = [two.scoped.delete(path).status_code for path, _ in asked]
    renamed = [two.scoped.patch(path, json={"description": "x"}).status_code for path in paths]

    assert [403, 200] == answers
    assert [403, 204] == removed
    assert [403, 200] == renamed
    assert 204 == two.everywhere.delete(asked[0][0]).status_code
