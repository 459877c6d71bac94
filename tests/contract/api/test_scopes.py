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
from mgmt_ansible.wire import retention as retention_shapes
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
    yield Two(site=site, ids=ids, known=frozenset(ids.values()), scoped=clients[0], everywhere=clients[1])
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
    return {
        "environment_id": hidden.id,
        "deployment_id": f"{SECRET}-1",
        "action_id": accepted.action_id or "",
        "run_id": run_id,
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
    "path", [path for path in READING if re.search(r"\{(environment|deployment|action|run)_id", path)]
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

    assert dict.fromkeys(count, 1) == count
    assert dict.fromkeys(count, 2) == everywhere
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
