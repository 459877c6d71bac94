"""`up` on a folder that an earlier one left: stopped, killed, or in the middle of a launch."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import UP_READY, list_processes_of, read_json, wait_until_gone

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]


def test_whatever_an_earlier_up_left_the_next_cleans_and_launches_again(up, data):
    """Killed, when nothing stops its children but their marks; by Ctrl-C; and in the middle of a launch."""
    killed = up()
    killed.wait_for(UP_READY)
    before = read_json("--data", data, "deployment", "show", "wine")
    killed.stop(signal.SIGKILL)
    left = set(_pids_of(data))

    second = up()
    second.wait_for(UP_READY)
    after = read_json("--data", data, "deployment", "show", "wine")
    again = set(_pids_of(data))

    assert left
    assert set() == left & again
    assert ("ready", "ready") == (before["state"], after["state"])
    assert after["generation"] == before["generation"] + 1
    ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", second.output)]
    assert 0 == second.stop(signal.SIGINT)
    assert [] == wait_until_gone(data)
    assert ports
    assert not any(_answers(port) for port in ports)

    third = up()
    third.wait_for(r"launched again, as a new generation: \D")
    assert 0 == third.stop(signal.SIGTERM)
    assert [] == wait_until_gone(data)


def _pids_of(folder: Path) -> list[int]:
    return [pid for pid, _ in list_processes_of(folder)]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
