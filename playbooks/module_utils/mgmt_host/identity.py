"""Prove which package answers on a slot's port.

A server of ours computes its digest itself and tells it. Another's cannot, so three things are proved in its place: the process
that was started for this slot lives (pid, start time and boot), it or a descendant of it holds every listener that answers
there, and the package's files are those of its digest.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

from . import durable_files, http_probe, packages, ports, processes, slots
from .failures import HostError, evidence

_KNOWN = "files.json"


def of_ours(slot: slots.Slot, server: processes.ProcessMark, answer: http_probe.Answer) -> None:
    """Check what a server of ours tells, and that no other process listens.

    Raises:
        HostError: `wrong_model`.
    """
    config = slot.config
    said = answer.json().get("parameters")
    parameters = said if isinstance(said, dict) else {}
    wanted = {"package_digest": config["digest"], "generation": config["generation"]}
    if {key: parameters.get(key) for key in wanted} != wanted:
        message = "the server serves another model than generation {generation}".format(**config)
        raise HostError("wrong_model", message, [evidence("http", answer.text())])
    if ports.listens(server.pid, config["port"]) is False:
        raise _foreign(config["port"])


def of_another(slot: slots.Slot, server: processes.ProcessMark, remember: bool) -> None:
    """Check that a server that is not ours was started for this slot, listens, and has its package's files.

    Args:
        slot: Names the package.
        server: What its supervisor started.
        remember: Write down which files were hashed, so that looks need not read them again while nothing touches them.

    Raises:
        HostError: `wrong_model`.
    """
    config = slot.config
    sockets = ports.answering(http_probe.local_address(config["bind_address"]), config["port"])
    held = ports.held_sockets([server.pid])
    if not sockets <= held:
        held = ports.held_sockets(processes.family(server))
    if not sockets or not sockets <= held:
        raise _foreign(config["port"])
    _check_files(slot, config["package_dir"], config["digest"], remember)


def _check_files(slot: slots.Slot, folder: str, digest: str, remember: bool) -> None:
    known = os.path.join(slot.folder, _KNOWN)
    seen = {"digest": digest, "seen": _look(folder)}
    if durable_files.read_json(known) == seen:
        return
    rows, opened = packages.measure(folder)
    for stream in opened:
        stream.close()
    found = packages.manifest_digest(rows)
    if found != digest:
        message = "the package's files were changed on this host, so nobody knows what the server has loaded"
        raise HostError("wrong_model", message, [evidence("digest", "{} instead of {}".format(found, digest))])
    if remember:
        durable_files.write_json(known, seen)


def _look(folder: str) -> str:
    """Return a hash of what the kernel says of the files; who writes one cannot set its change time back."""
    rows = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            found = os.lstat(path)
            rows.append((path, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
    return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()


def _foreign(port: int) -> HostError:
    message = "another process than the model server answers on port {}".format(port)
    return HostError("wrong_model", message, [evidence("ss", ports.describe(port))])


def describe(slot: slots.Slot, server: processes.ProcessMark) -> dict[str, Any]:
    """Return the identity of the host contract."""
    config = slot.config
    return {
        "digest": config["digest"],
        "generation": config["generation"],
        "slot": slot.name,
        "port": config["port"],
        "pid": server.pid,
        "start_time": server.start_time,
        "url": slot.url(),
    }
