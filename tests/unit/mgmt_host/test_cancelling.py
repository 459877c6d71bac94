"""Cancelling and fencing while others come and go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mgmt_host import fence
from mgmt_host.inputs import Inputs
from mgmt_host.machine import durable_files, processes

HOLDER = """
import fcntl, os, signal, sys, time
path, lock, content = sys.argv[1:]

def end(*_):
    if content:
        with open(path + ".x", "w") as stream:
            stream.write(content)
        os.replace(path + ".x", path)
    os._exit(0)

signal.signal(signal.SIGTERM, end)
held = open(lock, "w") if lock else None
if held:
    fcntl.flock(held, fcntl.LOCK_EX)
print("ready", flush=True)
time.sleep(60)
"""


def asked(host, generation, action="deployment_replace_model"):
    """Return the inputs of an action on d1."""
    return Inputs.from_parameters(
        {
            "action": action,
            "deployment_id": "d1",
            "generation": generation,
            "attempt": 1,
            "base_dir": host.base_dir,
        }
    )


@pytest.fixture
def run(host):
    """Return a function that starts a run: it may hold the lock, and may write a fence.json when it is asked to end."""
    started = []

    def start(*, lock="", content=""):
        Path(host.own().folder).mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-c", HOLDER, host.own().fence, lock, content]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        started.append(process)
        process.stdout.readline()
        return processes.find_mark(process.pid)

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def fence_text(host, pair, holder=None):
    """Return the content of a fence.json."""
    fence.write(host.own(), asked(host, pair), holder=holder)
    return Path(host.own().fence).read_text()


def test_a_newer_action_that_comes_during_a_cancel_is_left_alone(host, run):
    """The fence is read again under the lock."""
    Path(host.own().folder).mkdir(parents=True)
    newer = fence_text(host, 4)
    fence_text(host, 3, run(content=newer))
    result = host.act("deployment_cancel", 3)

    assert newer == Path(host.own().fence).read_text()
    assert "a newer action works by now" in result["message"]


def test_a_run_that_ends_during_a_cancel_is_not_canceled(host, run):
    """Whether it had ended is known under the lock only."""
    Path(host.own().folder).mkdir(parents=True)
    ended = fence_text(host, 3)
    fence_text(host, 3, run(content=ended))

    assert "the run had ended already" == host.act("deployment_cancel", 3)["message"]


def test_a_cancel_tells_that_the_old_model_serves(host):
    """The agent merges identity and old_model_in_use into the run's result."""
    identity = host.act("deployment_launch", 1, host.package())["identity"]
    result = host.act("deployment_cancel", 2)

    assert (identity, True) == (result["identity"], result["old_model_in_use"])


def test_a_lower_run_that_comes_while_the_lock_is_waited_for_is_stopped(host, run):
    """A holder is stopped whenever it is seen, not once."""
    late = run(lock=host.own().lock)
    fence_text(host, 1, run(content=fence_text(host, 1, late)))

    assert "ok" == host.act("deployment_stop", 2)["outcome"]


def test_a_process_that_cannot_be_killed_is_not_called_stopped(sleeper, monkeypatch):
    """The kernel may keep it for ever."""
    monkeypatch.setattr("os.kill", lambda *_: None)
    monkeypatch.setattr(processes, "_KILL_SECONDS", 0.0)

    with pytest.raises(processes.HostError, match="cannot be killed"):
        processes.stop(sleeper, 0.0)


def test_a_held_draft_survives_the_next_one(tmp_path):
    """Only drafts of killed runs are swept."""
    (tmp_path / ".draft-left").mkdir()
    with durable_files.draft(str(tmp_path)) as held, durable_files.draft(str(tmp_path)) as other:
        assert {Path(held), Path(other)} == set(tmp_path.iterdir())


def test_a_cancel_stops_an_earlier_attempt_of_its_generation(host, run):
    """The action was taken over and canceled while the first attempt's module still works."""
    holder = run(lock=host.own().lock)
    fence_text(host, 3, holder)
    result = host.act("deployment_cancel", 3, attempt=2)

    assert (False, {"generation": 3, "attempt": 2}) == (holder.alive, result["fence"])


def test_a_cancel_leaves_an_earlier_generation_alone(host, run):
    """It was not asked for."""
    holder = run()
    fence_text(host, 2, holder)
    host.act("deployment_cancel", 3)

    assert holder.alive


def test_a_cancel_shows_whom_it_found(host, run):
    """Its pid, its pair, and what it had done last; lines of others and what is no line count for nothing."""
    Path(host.own().folder).mkdir(parents=True)
    holder = run()
    fence_text(host, 3, holder)
    line = {"time": "T", "generation": 3, "attempt": 1, "step": "start", "what": "slot a started"}
    durable_files.append_line(host.own().effects, line)
    durable_files.append_line(host.own().effects, {**line, "generation": 2, "what": "old"})
    result = host.act("deployment_cancel", 3)

    (found,) = result["evidence"]
    said = f"generation 3, attempt 1: pid {holder.pid} worked on it\nlast effect at T, step start: slot a started"
    assert ("holder", said) == (found["kind"], found["text"])


def test_a_cancel_where_nobody_came_says_so(host):
    """A late one is refused all the same, and is told why."""
    result = host.act("deployment_cancel", 3)

    assert ["fence.json is not there: no run had come"] == [one["text"] for one in result["evidence"]]
    late = host.act("deployment_stop", 3)
    assert ("canceled", "generation 3, attempt 1: canceled") == (late["cause"], late["evidence"][0]["text"])


@pytest.mark.parametrize("content", ["{\n", '{"generation": 3}\n', '{"generation": 3, "attempt": 1}\n', "[[[", "\xff"])
def test_an_effects_log_that_cannot_be_read_stops_no_cancel(host, content):
    """It is shown, not needed."""
    Path(host.own().folder).mkdir(parents=True)
    fence_text(host, 3)
    Path(host.own().effects).write_text(content, encoding="latin-1")
    result = host.act("deployment_cancel", 3)

    assert ["generation 3, attempt 1: nobody worked on it"] == [one["text"] for one in result["evidence"]]
