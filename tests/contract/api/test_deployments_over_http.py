"""The way of a deployment over HTTP, as people and an agent go it."""

from __future__ import annotations

import csv
import io
import json

import pytest
from fastapi.testclient import TestClient

from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site

AT = "2026-11-23T00:00:00Z"


def create(user: TestClient, site: Site, **more: object):
    body = {
        "modelPackageId": site.package.id,
        "label": "Fraud",
        "predictionEnvironmentId": site.environment.id,
        "deploymentId": "fraud",
        "userProvidedId": "ignored",
        **more,
    }
    return user.post("/api/v2/deployments/fromModelPackage/", json=body, headers={"Idempotency-Key": "one"})


def claim(agent: TestClient, site: Site, wait: float = 0):
    body = {"instance_id": "i", "environment_ids": [site.environment.id], "wait_seconds": wait}
    return agent.post("/agent/v1/claims", json=body)


def report(agent: TestClient, action_id: str, status: str = "succeeded"):
    result = {
        "kind": "result",
        "id": f"result-{action_id}",
        "action_id": action_id,
        "attempt": 1,
        "status": status,
        "outcome": "changed" if status == "succeeded" else "failed",
        "health": "passing" if status == "succeeded" else "failing",
        "hosts": [{"host": "h1", "outcome": "changed"}],
        "finished_at": AT,
        "new_field": "of a newer agent",
    }
    return agent.post("/agent/v1/reports", json={"reports": [result]})


def test_a_launch_goes_from_request_to_ready(site: Site, callers: Callers):
    """202 and Location, claim, result, 303 to the deployment."""
    accepted = create(callers.user, site)
    where = accepted.headers["location"]
    assert (202, f"http://testserver/api/v2/status/{accepted.json()['actionId']}/") == (accepted.status_code, where)
    assert "INITIALIZED" == callers.user.get(where).json()["status"]

    claimed = claim(callers.agent, site).json()
    assert "RUNNING" == callers.user.get(where).json()["status"]
    assert 204 == report(callers.agent, claimed["spec"]["id"]).status_code

    done = callers.user.get(where)
    assert (303, "http://testserver/api/v2/deployments/fraud/") == (done.status_code, done.headers["location"])
    deployment = callers.user.get(done.headers["location"]).json()
    assert ("active", "ready", "passing") == (
        deployment["status"],
        deployment["state"],
        deployment["serviceHealth"]["status"],
    )


def test_a_failed_launch_is_an_error_at_its_status(site: Site, callers: Callers):
    """The vendor's clients poll it."""
    accepted = create(callers.user, site)
    claim(callers.agent, site)
    report(callers.agent, accepted.json()["actionId"], "failed")

    assert "ERROR" == callers.user.get(accepted.headers["location"]).json()["status"]


def test_the_same_request_again_is_the_same_action(site: Site, callers: Callers):
    """Idempotency-Key."""
    assert create(callers.user, site).json() == create(callers.user, site).json()


def test_a_deployment_can_wait_to_be_launched(site: Site, callers: Callers):
    """Then there is no action to follow."""
    accepted = create(callers.user, site, launch=False)

    assert accepted.json()["actionId"] is None
    assert "location" not in accepted.headers
    assert "inactive" == callers.user.get("/api/v2/deployments/fraud/").json()["status"]


def test_replace_stop_start_and_delete(site: Site, callers: Callers):
    """The vendor's verbs."""
    site.ready("d1")
    user = callers.user

    replaced = user.patch("/api/v2/deployments/d1/model/", json={"modelPackageId": site.newer.id, "reason": "ACCURACY"})
    site.run()
    stopped = user.patch("/api/v2/deployments/d1/status/", json={"status": "inactive"})
    site.run()
    started = user.patch("/api/v2/deployments/d1/status/", json={"status": "active"})
    site.run()
    deleted = user.delete("/api/v2/deployments/d1/")
    site.run()

    assert [202] * 4 == [answer.status_code for answer in (replaced, stopped, started, deleted)]
    assert 404 == user.get("/api/v2/deployments/d1/").status_code


def test_a_stopped_deployment_is_deleted_at_once(site: Site, user: TestClient):
    """204: nothing runs."""
    site.create("d1", launch=False)

    assert 204 == user.delete("/api/v2/deployments/d1/").status_code


def test_a_forced_delete_asks_no_agent(site: Site, user: TestClient):
    """204 whatever runs."""
    site.ready("d1")

    assert 204 == user.delete("/api/v2/deployments/d1/?ignoreManagementAgent=true").status_code


def test_a_refused_transition_is_a_conflict(site: Site, user: TestClient):
    """409 with what is possible."""
    site.create("d1")

    answer = user.patch("/api/v2/deployments/d1/model/", json={"modelPackageId": site.newer.id})

    assert (409, "transition") == (answer.status_code, answer.json()["code"])
    assert "deployment_stop" in answer.json()["message"]


def test_a_lost_claim_is_told(site: Site, callers: Callers):
    """409 `claim_lost`: drop the work."""
    accepted = create(callers.user, site)
    claim(callers.agent, site)

    answer = callers.agent.post(f"/agent/v1/actions/{accepted.json()['actionId']}/heartbeat", json={"attempt": 7})

    assert (409, "claim_lost") == (answer.status_code, answer.json()["code"])


def test_an_idle_claim_is_204(site: Site, callers: Callers):
    """After the wait that was asked for."""
    assert 204 == claim(callers.agent, site, wait=0.05).status_code


def test_the_recorded_spec_is_what_the_agent_was_handed(site: Site, callers: Callers):
    """`run export` renders from it."""
    accepted = create(callers.user, site).json()
    claimed = claim(callers.agent, site).json()

    spec = callers.user.get(f"/api/v2/actions/{accepted['actionId']}/spec/").json()

    assert claimed["spec"] == spec


def test_canceling_over_http(site: Site, user: TestClient):
    """202 while it can be, 409 when it cannot."""
    action_id = site.create()

    assert "canceled" == user.post(f"/api/v2/actions/{action_id}/cancel/").json()["status"]
    assert 409 == user.post(f"/api/v2/actions/{action_id}/cancel/").status_code
    assert "ABORTED" == user.get(f"/api/v2/status/{action_id}/").json()["status"]


def test_lists_page_by_links(site: Site, user: TestClient):
    """Following `next` sees each once."""
    for number in range(5):
        site.create(f"d{number}")

    seen, url = [], "/api/v2/deployments/?limit=2&state=launching"
    while url:
        page = user.get(url).json()
        assert 5 == page["totalCount"]
        seen += [one["id"] for one in page["data"]]
        url = page["next"]

    assert ["d0", "d1", "d2", "d3", "d4"] == seen


def test_the_feed_pages_by_its_last_entry(site: Site, user: TestClient):
    """Following `next` sees each once, also when others are added meanwhile; a deep offset is refused."""
    for number in range(4):
        site.create(f"d{number}", launch=False)
    wanted = [one["id"] for one in user.get("/api/v2/deploymentEvents/").json()["data"]]

    seen, url = [], "/api/v2/deploymentEvents/?limit=2&offset=1"
    while url:
        page = user.get(url).json()
        seen += [one["id"] for one in page["data"]]
        site.create(f"late{len(seen)}", launch=False)
        url = page["next"]

    assert wanted[1:] == seen
    assert page["totalCountExact"]
    assert 422 == user.get("/api/v2/deploymentEvents/?offset=10001").status_code


def test_the_feed_filters_by_query(site: Site, user: TestClient):
    """A type may come several times."""
    site.ready()
    query = (
        "?type=model_deployments.deployment_creation&type=model_deployments.deployment_launch_started&deploymentId=d1"
    )

    page = user.get(f"/api/v2/deploymentEvents/{query}").json()

    assert ["Launch started", "Deployment created"] == [entry["title"] for entry in page["data"]]


def test_what_is_exported_is_what_the_filter_shows(site: Site, user: TestClient):
    """The same entries in the same order, counted."""
    site.ready()
    query = "category=launch&health=passing&health=info&search=launch+succ"
    shown = [entry["id"] for entry in user.get(f"/api/v2/deploymentEvents/?{query}").json()["data"]]

    lines = user.get(f"/api/v2/deploymentEvents/export/?{query}&format=jsonl")
    table = user.get(f"/api/v2/deploymentEvents/export/?{query}")

    assert shown == [json.loads(line)["id"] for line in lines.text.splitlines()]
    assert shown == [row["id"] for row in csv.DictReader(io.StringIO(table.text, newline=""))]
    assert "1" == lines.headers["x-total-count"] == table.headers["x-total-count"]
    assert 'attachment; filename="deployment-events.csv"' == table.headers["content-disposition"]
    assert "text/csv; charset=utf-8" == table.headers["content-type"]


def test_who_accepts_cloud_events_gets_them(site: Site, user: TestClient):
    """A page of them, the address of the next one, and the same entries as JSON has."""
    site.ready()
    shown = user.get("/api/v2/deploymentEvents/?limit=2").json()

    page = user.get("/api/v2/deploymentEvents/?limit=2", headers={"Accept": "application/cloudevents-batch+json"})
    lines = user.get("/api/v2/deploymentEvents/export/?format=cloudevents").text.splitlines()

    assert "application/cloudevents-batch+json" == page.headers["content-type"]
    assert shown["data"] == [one["data"] for one in page.json()]
    assert f'<{shown["next"]}>; rel="next"' == page.headers["link"]
    assert page.json() == [json.loads(line) for line in lines[:2]]


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-11-26T12:00",
        "until=yesterday",
        "category=everything",
        "health=fine",
        "format=exe",
        "&host=h" * 51,
        "search=" + "x" * 201,
    ],
)
def test_a_filter_that_is_none_is_refused(user: TestClient, query: str):
    """A time needs its zone; the message names the field."""
    answer = user.get(f"/api/v2/deploymentEvents/export/?{query}")

    assert 422 == answer.status_code
    assert query.lstrip("&").partition("=")[0] in answer.text


def test_the_stream_goes_on_after_the_last_event_id(site: Site, user: TestClient):
    """Nothing is missed, nothing comes twice."""
    site.ready()
    newest = site.services.deployment_events.newest_sequence()
    site.services.wakeups.stop()

    answer = user.get("/api/v2/deploymentEvents/stream/", headers={"Last-Event-ID": str(newest - 1)})

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert ": connected\n\n" == answer.text


def test_openapi_names_the_shapes(user: TestClient):
    """Clients can be made from it."""
    document = user.get("/openapi.json").json()

    assert {"Deployment", "Action", "DeploymentEvent", "Problem"} <= set(document["components"]["schemas"])
    assert json.dumps(document).count("operationId") == len(
        {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    )


def test_a_search_knows_capitals_of_every_alphabet(user: TestClient, site: Site):
    """SQLite alone knows ASCII only."""
    site.create("d1", launch=False)
    user.patch("/api/v2/deployments/d1/", json={"label": "ÄPFEL und Ώμέγα"})

    for text in ("äpfel", "ÄPFEL", "ώμέγα"):
        assert 1 == user.get("/api/v2/deployments/", params={"search": text}).json()["totalCount"], text
