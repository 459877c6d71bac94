"""What systemd runs around a model server: before it, in its place, and after its end.

```
 start --unit-begins (root): the server's folder, the wait--> unit-runs, becomes the server --exits--> unit-ended (root): why
                    '--------------------------- again after 0.5 s, 1 s, 2 s ... 30 s <---------------------------'
```
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any

from ..machine import durable_files, processes
from . import supervisor, systemd_manager, systemd_units
from .carrying import Place

RECORD = "exits.json"
INSIDE = "inside"
_NOT_STARTED = 127
_KEPT = "pycache"


def read_record(place: Place) -> dict[str, Any]:
    """Return how often and why the server ended since this boot's first start: `exits`, `last_exit` and what the hooks need."""
    record = durable_files.read_json(place.path(RECORD)) or {}
    return record if record.get("boot_id") == processes.boot_id() else {}


def begin(folder: str) -> int:
    """Make the server's folder and wait as long as its last ends demand; return an exit code.

    At a boot only what is recorded as live begins: a candidate of a killed run does not.
    """
    place = Place(os.path.basename(folder), folder)
    record = read_record(place)
    if not record and place.config.get("boot_id") != processes.boot_id() and not is_wanted(place):
        return _give_up(place)
    wait_seconds = float(record.get("wait_seconds", 0.0))
    time.sleep(max(0.0, wait_seconds - supervisor.FIRST_WAIT_SECONDS))  # RestartSec has passed already
    if place.config.get("carrier") == "systemd":
        _open_inside(place)
    counter = processes.find_oom_counter(os.getpid())
    began = {"began": time.monotonic(), "oom_counter": counter, "oom_count": processes.read_oom_count(counter)}
    _write(place, dict(record, boot_id=processes.boot_id(), **began))
    return 0


def run(folder: str) -> int:
    """Become the server of the slot in that folder; return an exit code only when that cannot be."""
    config = durable_files.read_json(os.path.join(folder, "slot.json")) or {}
    try:
        os.execve(config["command"][0], config["command"], {**config["environment"], **_sockets()})  # noqa: S606 - our own list, no shell
    except (OSError, KeyError, TypeError) as error:
        sys.stdout.write("the server cannot be started: {}\n".format(error))
        return _NOT_STARTED


def end(folder: str) -> int:
    """Write down how the server ended, as systemd tells it (source: systemd.exec(5), `$SERVICE_RESULT`)."""
    place = Place(os.path.basename(folder), folder)
    record = read_record(place)
    healthy = time.monotonic() - float(record.get("began", time.monotonic())) > supervisor.HEALTHY_SECONDS
    waited = float(record.get("wait_seconds", 0.0))
    grown = max(supervisor.FIRST_WAIT_SECONDS, min(2 * waited, supervisor.LONGEST_WAIT_SECONDS))
    said = {
        "boot_id": processes.boot_id(),
        "exits": int(record.get("exits", 0)) + 1,
        "last_exit": _describe_end(record),
        "wait_seconds": supervisor.FIRST_WAIT_SECONDS if healthy else grown,
    }
    _write(place, dict(record, **said))
    return 0


def _describe_end(record: dict[str, Any]) -> dict[str, Any]:
    code = _exit_code(os.environ.get("EXIT_CODE", ""), os.environ.get("EXIT_STATUS", ""))
    result = os.environ.get("SERVICE_RESULT", "")
    counter = processes.find_oom_counter(os.getpid())
    before = int(record.get("oom_count", 0)) if counter == record.get("oom_counter") else 0
    count = processes.read_oom_count(counter)
    counted = code == -signal.SIGKILL and count > before  # on cgroups of version 1 systemd itself does not tell
    last_exit: dict[str, Any] = {"code": code, "out_of_memory": result == "oom-kill" or counted, "stopped": False}
    if last_exit["out_of_memory"]:
        proof = "{}: oom_kill {} before, {} after".format(counter, before, count)
        last_exit["oom_proof"] = "systemd: Result={}; {}".format(result, proof)
    return last_exit


def _exit_code(kind: str, status: str) -> int:
    if kind == "exited":
        return int(status) if status.isdigit() else _NOT_STARTED
    number = getattr(signal, "SIG" + status, None)
    return -int(number) if number is not None else _NOT_STARTED


def is_wanted(place: Place) -> bool:
    """Tell whether a boot shall start it: it is recorded as live, or serves both slots."""
    state = durable_files.read_json(os.path.join(os.path.dirname(os.path.dirname(place.folder)), "state.json")) or {}
    if state.get("wanted") != "running":
        return False
    return place.name not in ("a", "b") or (state.get("live") or {}).get("slot") == place.name


def _sockets() -> dict[str, str]:
    """Return by what a server knows the sockets that systemd passes (sd_listen_fds(3)): it stays the same process."""
    return {name: os.environ[name] for name in ("LISTEN_FDS", "LISTEN_PID") if name in os.environ}


def _give_up(place: Place) -> int:
    manager = systemd_manager.USER if place.config.get("carrier") == "systemd_user" else systemd_manager.SYSTEM
    held = [systemd_units.socket_name(place)] if "listen" in place.config else []
    manager.call("--no-block", "stop", *held, systemd_units.name(place), check=False)
    time.sleep(supervisor.LONGEST_WAIT_SECONDS)  # the stop ends this
    return 1


def _open_inside(place: Place) -> None:
    """Make the folder that the server owns, anew but for the code that its Python compiled."""
    owner = os.stat(systemd_units.runtime_folder(place))
    inside = place.path(INSIDE)
    os.makedirs(inside, mode=0o700, exist_ok=True)
    os.chown(inside, 0, 0)  # nobody else acts in it while this does
    for name in os.listdir(inside):
        path = os.path.join(inside, name)
        if name != _KEPT or os.lstat(path).st_uid != owner.st_uid:
            durable_files.remove_tree(path) if os.path.isdir(path) else os.unlink(path)
    durable_files.write_json(os.path.join(inside, "slot.json"), place.config)
    given = list(place.config.get("writes", ()))
    given += [os.path.join(folder, name) for folder in given for name in os.listdir(folder)]
    for path in (os.path.join(inside, "slot.json"), inside, *given):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _write(place: Place, record: dict[str, Any]) -> None:
    with suppress(OSError):  # a full disk keeps no server from running
        durable_files.write_json(place.path(RECORD), record)
