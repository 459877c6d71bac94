"""After a stop nothing is left: also of what left its supervisor, session and parent; and the result says so."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest
from mgmt_host.machine import durable_files, ports, processes
from mgmt_host.observing import leftovers
from mgmt_host.running import slots

from tests.unit.mgmt_host.served_packages import ECHO, act, command_package

DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open({path!r}, "w") as stream:
            stream.write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
os.wait()
"""


def stop(host, generation=2):
    """Return the result of a stop."""
    return host.act("deployment_stop", generation)


def test_a_stop_says_that_nothing_listens_and_nothing_is_left(host):
    """Not only that it was asked to."""
    port = host.act("deployment_launch", 1, host.make_cheap()[0])["identity"]["port"]
    result = stop(host)

    assert f"stopped: nothing listens on port {port}, no process is left" == result["message"]
    assert ("changed", [], [], True) == (
        result["outcome"],
        result["evidence"],
        leftovers.find(host.own()),
        ports.is_free("127.0.0.1", port),
    )


def test_a_daemon_that_left_session_and_parent_is_stopped_too(host, tmp_path):
    """It carries the mark of its slot, whatever it did to be forgotten."""
    path = tmp_path / "daemon.pid"
    server = DAEMON.format(path=str(path)).encode() + ECHO.replace(b"from __future__ import annotations\n", b"")
    act(host, "command", command_package(tmp_path / "forking", 2.0, files={"server.py": server}))
    pid = _read_pid(path)
    mark = processes.find_mark(pid)
    assert pid not in processes.family(slots.find_live(host.own()).server)
    result = stop(host)

    assert ("changed", False) == (result["outcome"], mark.alive), result
    assert f"process {pid} was left behind and is stopped" in host.effects()


def test_somebody_elses_listener_is_told_and_left_alone(host):
    """It came between, on what was the stable port."""
    port = host.act("deployment_launch", 1, host.make_cheap()[0])["identity"]["port"]
    slots.stop(slots.find_live(host.own()), 5.0)
    with socket.create_server(("127.0.0.1", port)):
        result = stop(host)

    assert f"nothing was running: port {port} is somebody else's, no process is left" == result["message"]
    assert [("ss", True)] == [(one["kind"], str(os.getpid()) in one["text"]) for one in result["evidence"]]


def test_what_cannot_be_stopped_is_no_stop(host, monkeypatch, run_for):
    """The wanted state is not written down as reached."""
    host.act("deployment_launch", 1, host.make_cheap()[0])
    monkeypatch.setattr(leftovers, "find", lambda own: [run_for(600)])
    result = stop(host)

    assert ("failed", "timeout") == (result["outcome"], result["cause"])
    assert "processes" in [one["kind"] for one in result["evidence"]]
    assert "running" == durable_files.read_json(host.own().state)["wanted"]


def test_a_shell_in_a_slot_and_another_deployment_are_left_alone(host, tmp_path):
    """Only what was started for this one goes."""
    old, _ = host.make_cheap()
    host.act("deployment_launch", 1, old)
    other = host.act("deployment_launch", 1, old, deployment_id="d10")["identity"]
    folder = slots.find(host.own(), "a").folder
    with subprocess.Popen([sys.executable, "-c", "input()", folder], cwd=folder, stdin=subprocess.PIPE) as shell:
        stop(host)
        alive = shell.poll() is None
        shell.communicate(b"\n")

    assert (True, other["pid"]) == (alive, slots.find_live(host.own("d10")).server.pid)


def test_a_supervisor_of_an_older_version_is_known_by_its_words(host):
    """Its environment has no mark of its slot."""
    folder = slots.find(host.own(), "a").folder
    words = [sys.executable, "-c", "input()"]
    with (
        subprocess.Popen([*words, "supervise", folder], env={}, stdin=subprocess.PIPE) as ours,
        subprocess.Popen([*words, "edit", folder], env={}, stdin=subprocess.PIPE) as other,
    ):
        found = [mark.pid for mark in leftovers.find(host.own())]
        for process in (ours, other):
            process.communicate(b"\n")

    assert [ours.pid] == found


def _read_pid(path):
    deadline = time.monotonic() + 60.0
    while not (path.exists() and path.read_text()):
        if time.monotonic() >= deadline:
            pytest.fail("the daemon did not come")
        time.sleep(0.02)
    return int(path.read_text())
