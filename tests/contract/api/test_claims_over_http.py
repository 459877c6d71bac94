"""Claims over HTTP: given back, and waited for."""

from __future__ import annotations

import threading

from fastapi.testclient import TestClient

from tests.contract.store.sites import Site


def claim(agent: TestClient, site: Site, wait_seconds: float = 0, instance: str = "one"):
    body = {
        "instance_id": instance,
        "agent_id": "a" * 24,
        "environment_ids": [site.environment.id],
        "wait_seconds": wait_seconds,
    }
    return agent.post("/agent/v1/claims", json=body)


def test_a_claim_is_given_back(site: Site, agent: TestClient):
    """204, once; another process is given attempt 2, the one that gave it back nothing."""
    action_id = site.create()
    claim(agent, site)

    answers = [agent.post(f"/agent/v1/actions/{action_id}/release", json={"attempt": 1}) for _ in range(2)]

    assert [204, 409] == [answer.status_code for answer in answers]
    assert "claim_lost" == answers[1].json()["code"]
    assert 204 == claim(agent, site).status_code
    assert 2 == claim(agent, site, instance="two").json()["attempt"]


def test_a_restarted_agent_is_given_its_own_action_again(site: Site, agent: TestClient):
    """Its hello says that it is new."""
    site.create()
    claim(agent, site)
    hello = {
        "instance_id": "two",
        "agent_id": "a" * 24,
        "version": "1",
        "environment_ids": [site.environment.id],
    }

    assert 204 == agent.post("/agent/v1/hello", json=hello).status_code

    assert 2 == claim(agent, site, instance="two").json()["attempt"]


def test_who_waits_is_given_an_action_as_soon_as_its_claim_expires(site: Site, agent: TestClient):
    """Without asking again."""
    site.create()
    site.take()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(claim(agent, site, wait_seconds=30)))
    waiting.start()

    site.clock.pass_seconds(31)
    waiting.join(60)

    assert [(200, 2)] == [(answer.status_code, answer.json()["attempt"]) for answer in answers]


def test_who_waits_is_given_an_action_as_soon_as_it_is_released(site: Site, agent: TestClient):
    """Nor here."""
    action_id = site.create()
    site.take()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(claim(agent, site, wait_seconds=30, instance="two")))
    waiting.start()

    site.services.agents.release(site.agent, action_id, 1)
    waiting.join(60)

    assert [(200, 2)] == [(answer.status_code, answer.json()["attempt"]) for answer in answers]
