"""Agents that die or leave in the middle of a launch: real processes, real SSH, real control plane."""

from __future__ import annotations

import time

import pytest

from tests.integration.takeovers.sites import begin, show

pytestmark = [pytest.mark.ssh, pytest.mark.timeout(600)]


def test_a_killed_agent_that_comes_back_finds_what_the_host_did(site):
    """Its command went on without it; nothing is done twice."""
    agent, action_id = begin(site, "again", "one")
    agent.kill()
    began = time.monotonic()
    again = site.start_agent("one")

    action = site.wait(action_id)
    show("own restart", began)
    again.terminate()

    assert ("succeeded", 2) == (action.status, action.attempt)
    assert [1] == site.attempts("again")
    assert "found as an earlier attempt left it: loopback" in action.message


def test_another_agent_takes_over_from_a_dead_one(site):
    """The claim expires; the other agent asks the host."""
    agent, action_id = begin(site, "other", "two")
    agent.kill()
    began = time.monotonic()
    other = site.start_agent("three")

    action = site.wait(action_id)
    show("other agent", began)
    other.terminate()

    assert ("succeeded", 2) == (action.status, action.attempt)
    assert [1] == site.attempts("other")


def test_an_agent_that_leaves_gives_its_work_back_and_cancels_nothing(site):
    """SIGTERM in the middle of a launch: another agent finds it done, without waiting for an expiry."""
    agent, action_id = begin(site, "leave", "four")
    began = time.monotonic()
    code = agent.terminate()
    other = site.start_agent("five")

    action = site.wait(action_id)
    show("after SIGTERM", began)
    other.terminate()

    assert (0, "succeeded", 2) == (code, action.status, action.attempt)
    assert agent.log.read_text().count("claim_released") == 1
    assert [1] == site.attempts("leave")
