"""Gates over hostile packages and answers, and who listens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest
from mgmt_host.machine import ports
from mgmt_host.proving import gates
from mgmt_host.running import slots


@pytest.mark.parametrize("expect", [{"p": [0.1]}, [1], "p", {"p": None}, {"p": {"data": [1], "tolerance": "x"}}])
def test_a_malformed_expectation_is_a_fault_of_the_package(expect):
    """Artifact, not a traceback."""
    with pytest.raises(gates.HostError) as failure:
        gates.find_mismatch({"outputs": [{"name": "p", "data": [1]}]}, expect)
    assert "artifact" == failure.value.cause


def test_a_number_beyond_floats_is_a_mismatch():
    """A lying server may say anything."""
    answer = {"outputs": [{"name": "p", "data": [10**400]}]}

    assert "output p[0]" in gates.find_mismatch(answer, {"p": {"data": [1.0]}})


def test_the_kernel_tells_whether_a_process_listens():
    """Ours does, another does not, and nobody is unknown."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other,
    ):
        port = listening.getsockname()[1]
        seen = ports.listens(os.getpid(), port), ports.listens(other.pid, port)
        other.communicate(b"\n")

    assert (True, False) == seen
    assert ports.listens(os.getpid(), port) is None


@pytest.mark.parametrize("address", ["::1", "::"])
def test_a_model_is_served_over_ipv6(host, address):
    """Probes, port choice and URL know both families."""
    result = host.act("deployment_launch", 1, host.package(), bind_address=address)

    assert "changed" == result["outcome"], result
    assert result["identity"]["url"].startswith("http://[::1]:")


def test_a_server_that_its_supervisor_has_not_written_down_yet_is_waited_for(host, monkeypatch):
    """On a slow disk it is ready before `process.json` names it."""
    written = slots.Slot.server.fget
    looks = []

    def late(slot):
        looks.append(slot.name)
        return written(slot) if len(looks) > 20 and gates.ask(slot, "/v2/health/ready") is not None else None

    monkeypatch.setattr(slots.Slot, "server", property(late))
    result = host.act("deployment_launch", 1, host.make_cheap()[0])

    assert "changed" == result["outcome"], result


def test_a_model_that_dies_within_the_minimum_healthy_time_is_refused(host):
    """It was ready, and its death is seen all the same; the old model was never touched."""
    old, new = host.make_cheap()
    host.act("deployment_launch", 1, old)
    host.let_servers_die(generation=2, seconds=1.0)
    result = host.act("deployment_replace_model", 2, new, minimum_healthy_seconds=120.0)

    assert ("failed", "not_ready", True) == (result["outcome"], result["cause"], result["old_model_in_use"])
    assert 1 == result["identity"]["generation"]


def test_a_model_that_dies_later_is_started_again_and_counted(host):
    """Nobody is told to do anything; how often it ended stands in process.json."""
    package = host.make_cheap()[0]
    host.let_servers_die(generation=1, seconds=3.0)
    host.act("deployment_launch", 1, package)
    slot = slots.find(host.own(), "a")
    deadline = time.monotonic() + 60.0
    while not (slot.process.get("exits") and slot.server) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert slot.server is not None
    assert slot.process["exits"] >= 1
