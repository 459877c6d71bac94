"""Runs that could not tell what they did: settled by asking the host, within the same attempt."""

from __future__ import annotations

import time

import pytest

from tests.integration.takeovers.sites import begin, show, until

pytestmark = [pytest.mark.ssh, pytest.mark.timeout(600)]


def test_a_connection_that_breaks_in_the_middle_is_settled_by_asking(site):
    """The command outlives its connection; its recorded result is the outcome of the same attempt."""
    agent, action_id = begin(site, "cut", "six")
    began = time.monotonic()
    cut = site.cut_connections()

    action = site.wait(action_id)
    show("cut connection", began)
    agent.terminate()

    assert cut >= 1
    assert ("succeeded", 1, "changed") == (action.status, action.attempt, action.hosts[0].outcome)
    assert "(found on the host: attempt 1 did it)" in action.hosts[0].message
    assert [1] == site.attempts("cut")


def test_a_module_that_was_killed_at_work_is_run_once_more(site):
    """Nothing recorded and nobody at work: the same attempt goes on from what the host is."""
    agent, action_id = begin(site, "killed", "eight")
    site.kill_holder("killed")

    action = site.wait(action_id)
    agent.terminate()

    assert ("succeeded", 1) == (action.status, action.attempt)
    assert 1 == agent.log.read_text().count("performed_again")
    assert 1 == len(site.servers("killed"))


def test_a_result_that_is_too_large_for_an_event_is_asked_for(site):
    """ansible-runner drops a `res` above 700,000 characters: that is never called fine, nor lost."""
    agent, action_id = begin(site, "large", "nine", content=site.talkative_content())

    action = site.wait(action_id)
    agent.terminate()

    assert ("succeeded", 1, "changed") == (action.status, action.attempt, action.hosts[0].outcome)
    assert "(found on the host: attempt 1 did it)" in action.hosts[0].message


def test_a_second_process_in_the_same_data_directory_is_refused(site):
    """Its lock is what lets a restart take over at once."""
    agent = site.start_agent("seven")
    until(lambda: agent.says("agent_started"))

    second = site.start_agent("seven")
    code = second.wait()
    agent.terminate()

    assert 2 == code
    assert "is in use by another agent, pid" in second.log.read_text()
