"""Drift: what runs differs from what should, and a look says how; each over a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mgmt_host.machine import processes
from mgmt_host.proving import gates
from mgmt_host.running import slots

from tests.unit.mgmt_host.served_packages import act, command_package

LISTEN = (
    "import socket, sys, time; kept = socket.create_server(('127.0.0.1', int(sys.argv[1])));"
    "print('ready', flush=True); time.sleep(600)"
)


def look(host, package, generation=1):
    """Return the observation of d1, of which that package is wanted."""
    wanted = {"id": "d1", "generation": generation, "digest": package[2]}
    return host.act("environment_status", 0, observe=[wanted])["observations"][0]


def told(seen):
    """Return what a test compares."""
    return seen["outcome"], seen["cause"], seen["drift"]


def edit(host, package, name):
    """Append to a file of the unpacked package, as somebody with a shell does; its times go back to what they were."""
    folder = Path(host.layout.package(package[2]))
    path = folder / name
    was = path.stat()
    path.chmod(0o644)
    with path.open("ab") as stream:
        stream.write(b"\n")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    path.chmod(was.st_mode & 0o777)


@pytest.fixture
def listen():
    """Return a function that lets a process listen on a port, with more of an environment."""
    started = []

    def start(port, **environment):
        command = [sys.executable, "-c", LISTEN, str(port)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **environment}))
        assert b"ready\n" == started[-1].stdout.readline()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_is_as_it_should_be_has_no_drift(host):
    """Nor has it after a look at its files, or a touch that changed nothing."""
    package = host.package()
    host.act("deployment_launch", 1, package)
    first = look(host, package)
    os.utime(Path(host.layout.package(package[2])) / "model.onnx")

    assert ("ok", None, None) == told(first) == told(look(host, package))


def test_a_process_of_an_older_generation_is_stale(host):
    """The host missed a replacement."""
    old, new = host.make_cheap()
    host.act("deployment_launch", 1, old)

    assert ("failed", "wrong_model", "stale_process") == told(look(host, new, generation=2))


def test_a_process_that_is_older_than_what_is_written_down_is_stale(host):
    """Somebody changed the slot and restarted nothing: the server itself tells its generation."""
    package = host.make_cheap()[0]
    host.act("deployment_launch", 1, package)
    slot = slots.find_live(host.own())
    slot.configure(dict(slot.config, generation=2))

    assert ("failed", "wrong_model", "stale_process") == told(look(host, package, generation=2))


def test_a_leftover_of_an_older_release_on_the_port_is_stale(host, listen):
    """It left session and parent, but not what it was started with."""
    package = host.make_cheap()[0]
    port = host.act("deployment_launch", 1, package)["identity"]["port"]
    slot = slots.find_live(host.own())
    slots.stop(slot, 5.0)
    listen(port, **{processes.SLOT_VARIABLE: slot.folder})

    assert ("failed", "wrong_model", "stale_process") == told(look(host, package))


def test_an_edited_file_is_told_while_the_old_model_serves_on(host):
    """Our server has what it loaded; the next start would not have it."""
    package = host.package()
    host.act("deployment_launch", 1, package)
    edit(host, package, "model.onnx")
    seen = look(host, package)

    assert ("failed", "artifact", "tampered_file") == told(seen)
    assert (1, package[2]) == (seen["identity"]["generation"], seen["identity"]["digest"])


def test_a_removed_file_is_tampered_with(host):
    """No other file changed."""
    package = host.package()
    host.act("deployment_launch", 1, package)
    folder = Path(host.layout.package(package[2]))
    folder.chmod(0o755)
    (folder / "model.onnx").unlink()

    assert ("failed", "artifact", "tampered_file") == told(look(host, package))


def test_a_server_that_started_anew_on_an_edited_file_is_told_by_its_file(host):
    """It says itself that it serves something else."""
    package = host.make_cheap()[0]
    host.act("deployment_launch", 1, package)
    slot = slots.find_live(host.own())
    edit(host, package, "model.onnx")
    slots.stop(slot, 5.0)
    slots.start(slot, slot.config)
    slots.wait_supervised(slot)
    gates.wait_ready(slot, 60.0)

    assert ("failed", "wrong_model", "tampered_file") == told(look(host, package))


def test_an_edited_file_of_anothers_server_is_wrong(host, tmp_path):
    """Nobody knows what it has loaded."""
    package = command_package(tmp_path / "times", 2.0)
    act(host, "command", package)
    edit(host, package, "server.py")

    assert ("failed", "wrong_model", "tampered_file") == told(look(host, package))


def test_a_foreign_process_on_the_port_is_named(host, listen):
    """Started by hand where the model should be."""
    package = host.make_cheap()[0]
    port = host.act("deployment_launch", 1, package)["identity"]["port"]
    slots.stop(slots.find_live(host.own()), 5.0)
    listen(port)
    seen = look(host, package)

    assert ("failed", "wrong_model", "foreign_process") == told(seen)
    assert [("ss", True)] == [(one["kind"], "pid=" in one["text"]) for one in seen["evidence"]]


def test_a_foreign_process_keeps_a_server_from_its_port(host, listen):
    """The supervisor tries again and again: who is in the way is what is told."""
    package = host.make_cheap()[0]
    port = host.act("deployment_launch", 1, package)["identity"]["port"]
    slot = slots.find_live(host.own())
    slots.stop(slot, 5.0)
    listen(port)
    slots.start(slot, slot.config)
    slots.wait_supervised(slot)

    assert ("failed", "wrong_model", "foreign_process") == told(look(host, package))


def test_nothing_where_something_should_run_is_missing(host):
    """Whether it never came or was killed."""
    package = host.make_cheap()[0]
    never = look(host, package)
    host.act("deployment_launch", 1, package)
    slots.stop(slots.find_live(host.own()), 5.0)

    assert ("failed", "not_ready", "missing") == told(never) == told(look(host, package))


def test_another_package_is_a_wrong_model(host):
    """At the wanted generation, or a newer one."""
    package, other = host.make_cheap()
    host.act("deployment_launch", 1, package)

    assert ("failed", "wrong_model", "wrong_model") == told(look(host, other))


def test_what_serves_after_it_was_stopped_is_stale(host):
    """The stop missed this host."""
    host.act("deployment_launch", 1, host.make_cheap()[0])
    wanted = {"id": "d1", "generation": 2, "digest": None}
    seen = host.act("environment_status", 0, observe=[wanted])["observations"][0]

    assert ("failed", "unknown", "stale_process") == told(seen)


def test_a_server_carries_its_slot_for_its_life(host, tmp_path):
    """As does what it starts; a process of somebody else does not."""
    package = command_package(tmp_path / "times", 2.0)
    pid = act(host, "command", package)["identity"]["pid"]
    slot = slots.find_live(host.own())

    assert processes.belongs_to(pid, slot.folder)
    assert not processes.belongs_to(os.getpid(), slot.folder)
    assert not processes.belongs_to(pid, slot.folder + "b")
