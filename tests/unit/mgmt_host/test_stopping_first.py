"""A replacement where memory is too short for two models: the old one stops first, and comes back when the new one fails."""

from __future__ import annotations

import threading

import pytest
from mgmt_host.actions import capacity
from mgmt_host.machine import http_probe
from mgmt_host.running import slots
from mgmt_host.switching import haproxy

WAIT_SECONDS = 60.0


@pytest.fixture(params=["none", "haproxy"])
def host(request, host, monkeypatch):
    """Return a host without a megabyte to spare, of either traffic kind."""
    if request.param == "haproxy" and haproxy.find_program() is None:
        pytest.skip("HAProxy is not on this machine")
    host.traffic = request.param
    monkeypatch.setattr(capacity, "free_memory", lambda: 1 << 20)
    return host


def served(result):
    """Return the generation that answers at the stable address of a result."""
    answer = http_probe.ask("127.0.0.1", result["identity"]["port"], "/v2/models/d1", seconds=WAIT_SECONDS)
    return answer.json()["parameters"]["generation"]


def start_asking(port):
    """Ask again and again as a patient client does; return a function that stops and returns what was answered."""
    ended, answers = threading.Event(), []

    def ask():
        while not ended.is_set():
            answer = http_probe.ask("127.0.0.1", port, "/v2/health/ready", seconds=WAIT_SECONDS)
            answers.append(None if answer is None else answer.status)

    thread = threading.Thread(target=ask)
    thread.start()

    def end():
        ended.set()
        thread.join()
        return answers

    return end


@pytest.mark.parametrize("action", ["deployment_replace_model", "deployment_relaunch"])
def test_the_old_model_ends_before_the_new_one_starts(host, action):
    """On the same address; the result says that it was so, and the log says why."""
    old, new = host.make_cheap()
    launched = host.act("deployment_launch", 1, old)
    result = host.act(action, 2, new)
    order = [line for line in host.effects() if line.startswith("slot ")]

    assert ("changed", 2) == (result["outcome"], served(result)), result
    assert launched["identity"]["port"] == result["identity"]["port"]
    assert "stopped_first" in result["notes"]
    assert order[-2].startswith("slot a stopped first: a copy of the running model takes ")
    assert order[-1].startswith("slot b started on port ")
    assert [False, True] == [slot.running for slot in slots.list_slots(host.own())]


def test_a_model_that_does_not_come_up_brings_the_old_one_back(host):
    """Rolled back, and the old model answers."""
    old, new = host.make_cheap()
    host.act("deployment_launch", 1, old)
    host.let_servers_die(2, 0.01)
    result = host.act("deployment_replace_model", 2, new)

    assert ("rolled_back", True, 1) == (result["outcome"], result["old_model_in_use"], served(result)), result
    assert [True, False] == [slot.running for slot in slots.list_slots(host.own())]


def test_behind_a_proxy_patient_clients_lose_nothing(host):
    """What is asked between the two models waits for the new one; without a proxy somebody is refused."""
    old, new = host.make_cheap()
    end = start_asking(host.act("deployment_launch", 1, old)["identity"]["port"])
    result = host.act("deployment_replace_model", 2, new)
    answers = end()

    assert "changed" == result["outcome"], result
    assert ({200} == set(answers)) is (host.traffic == "haproxy"), answers


def test_a_dry_run_says_why_and_what_it_costs(host):
    """Nothing is stopped for it."""
    old, new = host.make_cheap()
    host.act("deployment_launch", 1, old)
    host.bring(new)
    said = host.act("deployment_replace_model", 2, new, check=True)["message"]

    assert ", stop_first (a copy of the running model takes " in said
    assert said.endswith("in which requests wait" if host.traffic == "haproxy" else "without an answer")
