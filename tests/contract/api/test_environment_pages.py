"""The pages of environments, over the whole application."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Orphan, OrphanState, Outcome
from mgmt_ansible.domain.preflight import CheckName, HostReport, failed
from mgmt_ansible.domain.reports import HostsReport, PreflightReport
from tests.contract.store.sites import Site

HERE = {"Sec-Fetch-Site": "same-origin"}


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_an_environment_shows_hosts_agents_and_deployments(site: Site, user: TestClient):
    """The snapshot with when it was taken, who serves, and what is deployed."""
    site.ready()
    hosts = (InventoryHost(name="web1", groups=("web", "eu")), InventoryHost(name="<b>web2</b>"))
    report = HostsReport(id="h", environment_id=site.environment.id, hosts=hosts, taken_at=site.clock())
    site.services.agents.report(site.agent, [report])

    page = user.get(f"/environments/{site.environment.id}").text
    seen = text_of(page)
    for told in ("web1 none yet web, eu", "agent", "Label of d1", "2026-11-01 00:00:00 UTC", "Look at hosts now"):
        assert told in seen
    assert "&lt;b&gt;web2&lt;/b&gt;" in page
    assert f'href="/environments/{site.environment.id}"' in user.get("/environments").text


def test_what_a_look_found_is_beside_its_host(site: Site, user: TestClient):
    """With what to type next; without a look the page teaches how to take one."""
    path = f"/environments/{site.environment.id}"
    hosts = HostsReport(
        id="h", environment_id=site.environment.id, hosts=(InventoryHost(name="web1"),), taken_at=site.clock()
    )
    site.services.agents.report(site.agent, [hosts])
    assert f"mgmt-ansible host check {site.environment.id} --report" in user.get(path).text
    trouble = failed(CheckName.AUTH, Cause.AUTH, "the key was refused", "", "ssh-add -l")
    looked = HostReport(environment_id=site.environment.id, host="web1", checks=(trouble,))
    report = PreflightReport(id="p", environment_id=site.environment.id, hosts=(looked,), taken_at=site.clock())
    site.services.agents.report(site.agent, [report])

    seen = text_of(user.get(path).text)
    for told in ("A run would fail on 1 of them", "the key was refused", "ssh-add -l"):
        assert told in seen


def test_what_lies_on_hosts_and_nobody_knows_is_shown(site: Site, user: TestClient):
    """What runs line by line, what deleted deployments left as a number; the API tells each."""
    site.ready()
    site.clock.pass_seconds(61)
    states = {
        "lost": OrphanState.RUNNING,
        "dead": OrphanState.DOWN,
        "odd": OrphanState.UNKNOWN,
        "left": OrphanState.STOPPED,
    }
    orphans = tuple(Orphan(deployment_id=name, state=state) for name, state in states.items())
    site.report(site.take(), health=None, hosts=(HostOutcome(host="h1", outcome=Outcome.OK, orphans=orphans),))

    seen = text_of(user.get(f"/environments/{site.environment.id}").text)
    for told in (
        "lost h1 runs",
        "dead h1 would run after a reboot",
        "odd h1 cannot be read",
        "1 other folder is what deleted deployments left",
    ):
        assert told in seen
    listed = user.get(f"/api/v2/predictionEnvironments/{site.environment.id}/orphans/").json()["data"]
    assert ["lost", "dead", "odd", "left"] == [one["deploymentId"] for one in listed]
    assert 404 == user.get("/api/v2/predictionEnvironments/gone/orphans/").status_code


def test_an_environment_is_made_and_changed_by_forms(site: Site, user: TestClient):
    """Also who manages it."""
    made = user.post(
        "/environments/new",
        data={"name": "Edge", "description": "boxes", "status_interval_seconds": "30", "managed_by": "managementAgent"},
        headers=HERE,
    )
    path = made.headers["location"]
    changed = user.post(
        f"{path}/edit",
        data={"name": "Edge 2", "description": "", "status_interval_seconds": "0", "managed_by": "selfManaged"},
        headers=HERE,
    )

    environment = site.services.registry.get_environment(path.rpartition("/")[2])
    assert (303, 303) == (made.status_code, changed.status_code)
    assert ("Edge 2", "", 0, "selfManaged") == (
        environment.name,
        environment.description,
        environment.status_interval_seconds,
        environment.managed_by,
    )


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "x" * 600}, "name"),
        ({"name": "x", "status_interval_seconds": "often"}, "status_interval_seconds"),
        ({"name": "x", "managed_by": "nobody"}, "managed_by"),
    ],
)
def test_a_wrong_form_names_its_field(user: TestClient, data: dict, field: str):
    """Nothing is made."""
    answer = user.post("/environments/new", data=data, headers=HERE)

    assert (422, True) == (answer.status_code, f"{field}: " in answer.text)


def test_three_lines_and_a_code_are_shown_once(site: Site, user: TestClient):
    """The code works, and the token is nowhere on the page."""
    path = f"/environments/{site.environment.id}/agent"
    page = user.post(path, data={"name": "edge-1", "url": "https://mlops.example"}, headers=HERE).text

    commands = [unescape(command) for command in re.findall(r'data-copy="([^"]+)"', page)]
    assert ["python3", "bin/pip", "bin/mgmt-ansible"] == [command.split()[0] for command in commands[:3]]
    assert "mga_" not in page
    enrolled = user.post("/install/agent", json={"code": commands[3]})
    assert (201, "edge-1") == (enrolled.status_code, enrolled.json()["agentName"])


def test_a_token_for_hand_written_files_is_shown_once(site: Site, user: TestClient):
    """For those who do not want the lines."""
    path = f"/environments/{site.environment.id}/agent"
    page = user.post(path, data={"name": "edge-1", "url": "https://x.example", "by_hand": "1"}, headers=HERE).text

    (token,) = re.findall(r'data-copy="(mga_[^"]+)"', page)
    assert (site.environment.id,) == tuple(site.services.access.authenticate(f"Bearer {token}").environment_ids)
    assert "token_file: agent.token" in page


def test_what_is_wrong_with_an_invitation_is_said(site: Site, user: TestClient):
    """A name that is taken, an address that is none."""
    path = f"/environments/{site.environment.id}/agent"

    assert 409 == user.post(path, data={"name": "agent", "url": "https://x.example"}, headers=HERE).status_code
    for data in ({"name": "x", "url": "javascript:x"}, {"name": "x", "url": "file:///x", "by_hand": "1"}, {"name": ""}):
        assert 422 == user.post(path, data=data, headers=HERE).status_code, data


def test_a_look_is_asked_for_from_the_page(site: Site, user: TestClient):
    """And is under way then."""
    done = user.post(f"/environments/{site.environment.id}/status", headers=HERE)

    assert 303 == done.status_code
    assert "environment_status" == site.services.actions.list_actions(limit=1).data[0].type


def test_forms_of_other_sites_do_nothing(site: Site, user: TestClient):
    """Each of them."""
    for path in ("new", f"{site.environment.id}/edit", f"{site.environment.id}/agent", f"{site.environment.id}/status"):
        answer = user.post(f"/environments/{path}", data={"name": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert 403 == answer.status_code, path
