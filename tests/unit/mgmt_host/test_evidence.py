"""Where proofs come from: signals, the kernel's counters, pip's errno, the fence's lock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mgmt_host import fence, results
from mgmt_host.content import environments
from mgmt_host.failures import HostError, StillWorkingError
from mgmt_host.inputs import Inputs
from mgmt_host.machine import processes

HOLDING = "import fcntl, sys; lock = open(sys.argv[1], 'a'); fcntl.flock(lock, fcntl.LOCK_EX); print('held', flush=True); input()"


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("exit code 3", 3),
        ("signal 9 (SIGKILL)", -9),
        ("signal 11 (SIGSEGV)", -11),
        ("signal 200", -200),
        ("exit code None", None),
    ],
)
def test_an_ending_is_named(named, code):
    """A signal by its name, not only by a negative number."""
    assert named == processes.name_exit(code)


def test_a_process_without_a_memory_cgroup_is_counted_with_the_machine():
    """One that is gone has none."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    assert "/proc/vmstat" == processes.find_oom_counter(gone.pid)


def test_a_counter_that_is_there_can_be_read():
    """Of this very process, wherever it runs."""
    counter = processes.find_oom_counter(os.getpid())

    assert Path(counter).exists()
    assert 0 <= processes.read_oom_count(counter)


def test_a_counter_that_is_gone_counts_nothing(tmp_path):
    """A cgroup may end before its supervisor."""
    assert 0 == processes.read_oom_count(str(tmp_path / "memory.events"))


@pytest.mark.parametrize(
    ("full", "words"),
    [
        (
            True,
            "Collecting numpy\nERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        ),
        (True, "OSError: [Errno 122] Disk quota exceeded"),
        (False, "Looking in links: /srv/ERROR: [Errno 28] No space left on device"),
        (False, "ERROR: No matching distribution found for No-space-left-on-device"),
    ],
)
def test_pip_fails_for_want_of_room_only_by_errno(full, words):
    """Words that a path may hold are no proof."""
    assert full == bool(environments._NO_ROOM.search(words))


def test_a_second_run_of_the_same_pair_tells_nothing_of_how_it_ends(host):
    """As when a connection broke and Ansible sent the command again: the first one goes on, and its result will tell."""
    parameters = {"action": "deployment_stop", "attempt": 1, "deployment_id": "d1", "generation": 1}
    inputs = Inputs.from_parameters({**parameters, "base_dir": host.base_dir}, False)

    with fence.hold(inputs), pytest.raises(StillWorkingError) as caught, fence.hold(inputs, lock_seconds=0.2):
        pass

    assert ("unknown", "timeout") == (results.failure(caught.value)["outcome"], caught.value.cause)
    assert f"generation 1, attempt 1: pid {os.getpid()} worked on it" == caught.value.evidence[0]["text"]


def test_a_late_holder_that_is_not_known_is_timeout(host):
    """Somebody holds the lock, and the fence does not say who: nobody is stopped, nothing is changed."""
    parameters = {"action": "deployment_stop", "attempt": 1, "deployment_id": "d1", "generation": 1}
    inputs = Inputs.from_parameters({**parameters, "base_dir": host.base_dir}, False)
    Path(host.own().folder).mkdir(mode=0o700, parents=True)
    command = [sys.executable, "-c", HOLDING, host.own().lock]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert b"held\n" == other.stdout.readline()
        with pytest.raises(HostError) as caught, fence.hold(inputs, lock_seconds=0.2):
            pass
        other.communicate(b"\n")

    assert "timeout" == caught.value.cause
    assert "fence.json is not there: no run had come" == caught.value.evidence[0]["text"]
