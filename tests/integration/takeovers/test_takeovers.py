"""Agents that die, leave or lose their connection in the middle of a launch: real processes, real SSH, real control plane."""

from __future__ import annotations

import sys
import time

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.integration.takeovers.sites import Site, until

pytestmark = [pytest.mark.ssh, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One site for the file; every test has a deployment of its own."""
    if find_sshd() is None:
        pytest.skip("sshd is missing: apt-get install openssh-server")
    made = Site(tmp_path_factory.mktemp("site"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def begin(site: Site, deployment_id: str, agent: str, **options: float):
    """Let an agent begin a launch; return the agent and the action's id in the middle of it."""
    process = site.start_agent(agent, **options)
    until(lambda: process.says("agent_started"))
    action_id = site.launch(deployment_id)
    until(lambda: site.at_work(deployment_id))
    return process, action_id


def show(name: str, began: float) -> None:
    """Say how long it took; machines differ, so it is not asserted."""
    sys.stdout.write(f"\n{name}: {time.monotonic() - began:.1f} s\n")


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


def test_a_second_process_in_the_same_data_directory_is_refused(site):
    """Its lock is what lets a restart take over at once."""
    agent = site.start_agent("seven")
    until(lambda: agent.says("agent_started"))

    second = site.start_agent("seven")
    code = second._process.wait(60)
    agent.terminate()

    assert 2 == code
    assert "is in use by another agent, pid" in second.log.read_text()
