"""Performs actions in children of its own; a child kills itself, or fills its disk, just before its k-th touch of the host.

A touch is what Python's audit hooks report and what changes something: a file opened for writing, renamed or removed, a folder
made or removed, a process started or signalled, a proxy told or asked something. Reads a JSON line `{"parameters", "point", "filler"}` (point 0 = never; filler: a file that takes all room, null to be killed),
writes `{"killed", "touches", "result"}`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from mgmt_host import entry
from mgmt_host.actions import capacity

TIGHT = "MGMT_ANSIBLE_KILL_TIGHT"
"""Environment variable: when set, the host has no megabyte to spare, so that the old model stops first."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
HARMLESS = ("lock", ".new")
"""Ends of paths whose opening changes nothing that anybody reads: the rename of a draft is a touch of its own."""

TOUCHES = {
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.symlink",
    "os.chmod",
    "os.kill",
    "subprocess.Popen",
}


def is_touch(event, arguments):
    """Tell whether an audit event is about to change something."""
    if event == "open":
        path, _, flags = arguments
        return isinstance(path, str) and path != os.devnull and bool(flags & WRITING) and not path.endswith(HARMLESS)
    if event == "socket.connect":
        return isinstance(arguments[1], str)  # a path: the proxy's
    if event == "os.mkdir":
        return not Path(arguments[0]).is_dir()
    return event in TOUCHES


class Trap:
    """An audit hook that counts touches, and kills its process or fills the disk before one of them."""

    def __init__(self, point, filler, log):
        self.count = 0
        self._point = point
        self._filler = filler
        self._log = log

    def __call__(self, event, arguments):
        """Count; die."""
        if not is_touch(event, arguments):
            return
        self.count += 1
        if self.count != self._point:
            return
        if self._filler:
            fill(self._filler)
            return
        os.write(self._log, f"{event} {arguments[0]}".encode()[:4000])
        os.kill(os.getpid(), signal.SIGKILL)


def fill(path):
    """Take all room that is left."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        while True:
            os.write(descriptor, b"x" * 4096)
    except OSError:
        return
    finally:
        os.close(descriptor)


def be_tight():
    """Let memory be short where the environment says so."""
    if os.environ.get(TIGHT):
        capacity.free_memory = lambda: 1 << 20


def perform(request, log):
    """Do it in this process; return the answer of one that lived."""
    trap = Trap(request["point"], request["filler"], log)
    sys.addaudithook(trap)
    result = entry.run_deployment(request["parameters"])
    trap._point = 0
    return {"killed": False, "touches": trap.count, "result": result}


def perform_in_child(request):
    """Return what became of a child."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.write(writing, b"=" + json.dumps(perform(request, writing)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        said = stream.read()
    os.waitpid(pid, 0)
    return json.loads(said[1:]) if said.startswith("=") else {"killed": True, "touches": 0, "result": None, "at": said}


be_tight()
for line in sys.stdin:
    sys.stdout.write(json.dumps(perform_in_child(json.loads(line))) + "\n")
    sys.stdout.flush()
