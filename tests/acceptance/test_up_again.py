"""`up` on a folder that an earlier one left: stopped, killed, or in the middle of a launch."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import UP_READY, list_processes_of, read_json, run, wait_until_gone

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]


def test_the_next_up_launches_again_what_was_wanted(up, data):
    """As a new generation, and only what was wanted: what was stopped stays stopped."""
    first = up()
    first.wait_for(UP_READY)
    _make_ready(data)
    before = read_json("--data", data, "deployment", "show", "wine")
    first.stop()

    second = up()
    second.wait_for(UP_READY)
    after = read_json("--data", data, "deployment", "show", "wine")

    assert ("ready", "ready") == (before["state"], after["state"])
    assert after["generation"] == before["generation"] + 1
    assert 0 == second.stop(signal.SIGTERM)
    assert [] == wait_until_gone(data)


def test_what_a_killed_up_left_is_cleaned_by_the_next(up, data):
    """Nothing can stop its children when it is killed; their marks can."""
    killed = up()
    killed.wait_for(UP_READY)
    killed.stop(signal.SIGKILL)
    left = set(_pids_of(data))

    program = up()
    program.wait_for(UP_READY)
    again = set(_pids_of(data))
    program.stop()

    assert left
    assert set() == left & again
    assert [] == wait_until_gone(data)


def test_a_signal_in_the_middle_of_a_launch_leaves_nothing(up, data):
    """Whatever is under way on the host is stopped too."""
    first = up()
    first.wait_for(UP_READY)
    _make_ready(data)
    first.stop()

    program = up()
    program.wait_for(r"launched again, as a new generation: \D")

    assert 0 == program.stop(signal.SIGTERM)
    assert [] == wait_until_gone(data)


def _make_ready(data: Path) -> None:
    """Launch the deployment again if another test has stopped it."""
    if read_json("--data", data, "deployment", "show", "wine")["state"] != "ready":
        done = run("--data", data, "deployment", "relaunch", "wine", "--wait")
        assert 0 == done.returncode, done.stdout + done.stderr


def _pids_of(folder: Path) -> list[int]:
    return [pid for pid, _ in list_processes_of(folder)]
